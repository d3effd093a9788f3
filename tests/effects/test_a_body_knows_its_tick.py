"""current_job().tick: for which tick of a schedule a job was made, however late it runs and however often."""

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobqueue import current_job, lifecycle, once, schedules
from jobqueue.ledger import TABLE
from jobqueue.models import Job, LedgerEntry
from tests import rows
from tests.effects.bodies import acted, in_one_transaction, in_steps, once_while_active, task_for
from tests.effects.runs import WORKER

ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


def tick():
    return current_job().tick


def asked(stage, task=in_one_transaction):
    """Run the jobs of a task that are due, the first one first, and return the tick that each of them says."""
    found = []
    with acted(lambda *_: found.append(tick())):
        for claim in rows.claim(WORKER, limit=10, paths=[task.module_path]):
            stage.run(claim)
    return found


@ALL
def test_it_is_the_moment_when_the_tick_was_due_aware_and_in_utc(stage, effects):
    made = rows.schedule(task=task_for(tick, effects), late=5)
    schedules.tick(made.pk)
    (found,) = asked(stage, task_for(tick, effects))
    assert found == made.next_at
    assert found.tzinfo is UTC


@ALL
def test_a_job_that_nobody_scheduled_has_none(perform, effects):
    assert perform(lambda: tick() is None, effects=effects).value == "true"


def test_nor_has_one_that_was_run_by_hand_though_its_schedule_has_ticked(stage):
    made = rows.schedule(task=in_one_transaction, late=5)
    schedules.tick(made.pk)
    schedules.run_now(made.name)
    assert asked(stage) == [made.next_at, None]


@ALL
def test_the_ledger_is_asked_once_whatever_it_says(stage, effects):
    seen, asked_of = [], []

    def body(*_):
        with CaptureQueriesContext(connection) as asked:
            seen.append([tick() for _ in range(3)])
        asked_of.append([query["sql"] for query in asked if TABLE in query["sql"]])

    stage.perform(body, effects=effects)
    made = rows.schedule(task=task_for(body, effects), late=5)
    schedules.tick(made.pk)
    stage.again(body, effects=effects)
    assert seen == [[None] * 3, [made.next_at] * 3]
    assert [len(statements) for statements in asked_of] == [1, 1]


def test_it_is_the_same_in_every_attempt_and_after_an_operators_retry(stage):
    seen = []

    def body(*_):
        seen.append(tick())
        raise LookupError

    made = rows.schedule(task=in_one_transaction, late=5)
    schedules.tick(made.pk)
    for _ in range(3):
        run = stage.again(body)
    assert run.job.status == "FAILED"
    lifecycle.retry(run.id)
    stage.again(body)
    assert seen == [made.next_at] * 4


class TestMissedTicks:
    """Three of them, an hour apart; the last is 5 seconds ago."""

    def missed(self, **columns):
        made = rows.schedule(task=in_one_transaction, late=2 * 3600 + 5, **columns)
        schedules.tick(made.pk)
        return [made.next_at + timedelta(hours=number) for number in range(3)]

    def test_each_that_is_made_up_for_has_its_own(self, stage):
        due = self.missed(missed="all")
        assert asked(stage) == due

    def test_one_that_makes_up_for_all_has_that_of_the_last(self, stage):
        due = self.missed(missed="last")
        assert asked(stage) == due[-1:]


def test_what_else_the_ledger_knows_of_the_job_is_no_tick(stage):
    """A step without a value, and a key."""

    def body(*_):
        once("step", lambda: None)
        return tick() and tick().isoformat()

    made = rows.schedule(task=in_steps, late=5)
    schedules.tick(made.pk)
    assert stage.again(body, effects="steps").value == f'"{made.next_at.isoformat()}"'
    in_steps.using(idempotency_key="today").enqueue()
    run = stage.again(body, effects="steps")
    assert (run.job.outcome, run.value, LedgerEntry.objects.filter(job_id=run.id).count()) == ("ok", None, 2)


def test_it_is_none_of_another_schedules(stage):
    first, second = (rows.schedule(name, in_one_transaction, late=late) for name, late in (("a", 9), ("b", 5)))
    schedules.tick(first.pk)
    schedules.tick(second.pk)
    assert asked(stage) == [first.next_at, second.next_at]


def test_a_name_may_be_as_long_and_odd_as_names_are(stage):
    made = rows.schedule("schedule:%_" + "ü" * 189, in_one_transaction, late=5)
    schedules.tick(made.pk)
    assert asked(stage) == [made.next_at]


class TestAUniqueTask:
    """A tick that finds its job there makes none."""

    def test_whose_job_is_there_keeps_the_tick_that_made_it(self, stage):
        made = rows.schedule(task=once_while_active, late=2 * 3600 + 5, missed="all")
        schedules.tick(made.pk)
        assert LedgerEntry.objects.filter(job_id=Job.objects.get().pk).count() == 3
        assert asked(stage, once_while_active) == [made.next_at]

    def test_nor_does_a_tick_come_to_one_that_was_enqueued(self, stage):
        made = rows.schedule("nightly", once_while_active, "x", late=5)
        once_while_active.enqueue("x")
        schedules.tick(made.pk)
        assert LedgerEntry.objects.get().job_id == Job.objects.get().pk
        assert asked(stage, once_while_active) == [None]


def test_one_that_is_retried_long_after_it_failed_has_it_still(stage):
    made = rows.schedule(task=in_one_transaction, late=5)
    schedules.tick(made.pk)
    claim = stage.claim(in_one_transaction)
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    LedgerEntry.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert lifecycle.prune_keys() == 0
    lifecycle.retry(claim.job_id)
    assert asked(stage) == [made.next_at]
    assert lifecycle.prune_keys() == 1
