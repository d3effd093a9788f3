"""Bodies that write to another database than the jobs': refused, or fenced there, or let be free. S1, S2, S5, S6."""

from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F

from jobqueue import current_job, database, deliver, ledger, lifecycle, once, once_on
from jobqueue.database import impatient, wait_for_writers
from jobqueue.errors import LeaseLost, NotMigrated
from jobqueue.fence import Fence
from jobqueue.models import Gate, Job, LedgerEntry
from jobqueue.sessions import COMMIT_SECONDS
from jobqueue.worker.executor import abroad
from jobqueue.worker.judge import Judge
from jobqueue.worker.messages import How
from tests.aliases.suite.bodies import at_large_there, in_steps_there, there
from tests.app.models import Counter, Entry
from tests.app.tasks import echo
from tests.effects.bodies import acted, at_large, in_one_transaction, in_steps
from tests.effects.runs import elsewhere, revoke


def add(note="a", *, using="default", value=None):
    Entry.objects.using(using).create(note=note)
    return value


def notes(using="default"):
    return list(Entry.objects.using(using).order_by("pk").values_list("note", flat=True))


@pytest.fixture
def perform(stage):
    """Give `perform(task, body)`: a run of a new job of that task."""

    def perform(task, body):
        with acted(body):
            return stage.run(stage.claim(task, stage.enqueue(task).id))

    return perform


@pytest.fixture
def again(stage):
    """Give `again(task, body)`: another run of the job of that task that is due again."""

    def again(task, body):
        with acted(body):
            return stage.run(stage.claim(task))

    return again


def settle(run):
    """Settle what a run handed back, as its worker does."""
    assert run.how is How.VALUE
    assert lifecycle.settle(connections["jobs"], [(run.claim.fence, run.value)]) == {run.id}


class TestRefused:
    @pytest.mark.parametrize("task", [in_one_transaction, in_steps])
    def test_a_write_there_is_refused_with_what_to_do(self, perform, task):
        run = perform(task, add)
        assert (run.how, run.error, notes()) == (How.FAILED, "UnfencedWrite", [])
        assert "@task(writes_to='default')" in run.message

    def test_a_connection_that_was_open_before_is_no_way_around(self, perform):
        assert perform(at_large, add).how is How.VALUE
        assert perform(in_one_transaction, add).error == "UnfencedWrite"
        assert perform(at_large, add).how is How.VALUE
        assert notes() == ["a", "a"]

    def test_nor_is_one_that_is_opened_anew(self, perform):
        def body():
            connections["default"].close()
            add()

        assert (perform(in_one_transaction, body).error, notes()) == ("UnfencedWrite", [])

    def test_a_transaction_of_the_body_is_not(self, perform):
        def body():
            with transaction.atomic(using="default"):
                add()

        assert (perform(in_one_transaction, body).error, notes()) == ("UnfencedWrite", [])

    def test_reading_there_is_free(self, perform):
        add()
        run = perform(in_one_transaction, notes)
        assert run.how in (How.VALUE, How.SETTLED)

    def test_a_task_may_be_told_to_write_there_without_a_fence(self, perform):
        def body():
            add("there")
            add("here", using="jobs")

        run = perform(at_large_there, body)
        assert (run.how, notes(), notes("jobs")) == (How.SETTLED, ["there"], ["here"])


class TestABody:
    def test_its_writes_and_its_value_are_one_transaction_there(self, perform):
        run = perform(there, lambda: add(value=7))
        assert (notes(), LedgerEntry.objects.using("default").get(key="", scope__startswith="step:").value) == (
            ["a"],
            7,
        )
        settle(run)
        assert run.result.return_value == 7

    def test_one_that_asks_nothing_there_leaves_nothing(self, perform):
        settle(perform(there, lambda: 7))
        assert not LedgerEntry.objects.using("default").exists()

    def test_one_that_raises_leaves_nothing(self, perform):
        def body():
            add()
            raise LookupError

        assert (perform(there, body).error, notes()) == ("LookupError", [])

    def test_what_was_committed_there_is_not_done_again(self, perform, stage):
        """The executor died between the two COMMITs: the next attempt has the value, and the body does not run."""
        run = perform(there, lambda: add(value={"a": [None]}))
        revoke(run.id)
        (orphan,) = [o for o in lifecycle.orphans("plain") if o.fence.job_id == run.id]
        lifecycle.rescue(orphan, max_crashes=9)
        with acted(lambda: add("again")):
            second = stage.run(stage.claim(there))
        assert notes() == ["a"]
        settle(second)
        assert second.result.return_value == {"a": [None]}

    def test_a_stale_owner_writes_nothing(self, perform):
        def body():
            add()
            elsewhere(revoke, current_job().id)

        run = perform(there, body)
        assert (run.how, notes()) == (How.LOST, [])
        assert run.attempt.refused_writes == 1
        assert not LedgerEntry.objects.using("default").exists()

    def test_nor_one_whose_job_was_cancelled(self, perform):
        def body():
            add()
            elsewhere(lifecycle.cancel, current_job().id)

        run = perform(there, body)
        assert (run.how, notes(), run.job.status) == (How.LOST, [], "FAILED")

    def test_a_write_here_is_refused(self, perform):
        run = perform(there, lambda: add(using="jobs"))
        assert (run.error, notes("jobs")) == ("UnfencedWrite", [])
        assert "enqueue_on_commit" in run.message

    def test_so_is_an_enqueue_but_not_one_on_commit(self, perform):
        assert perform(there, lambda: add(value=echo.using(backend="plain").enqueue(1).id)).error == "UnfencedWrite"

        def body():
            add()
            return echo.using(backend="plain").enqueue_on_commit(1).id

        run = perform(there, body)
        settle(run)
        assert Job.objects.get(pk=run.result.return_value).gate == Gate.OPEN

    def test_a_swallowed_error_commits_nothing(self, perform):
        Counter.objects.create(name="taken")

        def body():
            add()
            try:
                Counter.objects.create(name="taken")
            except Exception:
                return "done"

        assert (perform(there, body).error, notes()) == ("BrokenTransaction", [])

    def test_hooks_run_after_the_commit(self, perform):
        seen = []

        def body():
            add()
            transaction.on_commit(lambda: seen.append(elsewhere(notes)))

        perform(there, body)
        assert seen == [["a"]]

    def test_a_database_without_a_ledger_is_told(self, perform, monkeypatch):
        monkeypatch.setattr(ledger, "_present", set())
        monkeypatch.setattr(connections["default"].introspection, "table_names", list)
        run = perform(there, add)
        assert (run.error, notes()) == (NotMigrated.__name__, [])

    @pytest.mark.parametrize("landed", [True, False])
    def test_a_commit_of_unknown_outcome_is_found_out(self, perform, landed):
        with broken_commit(landed=landed):
            run = perform(there, lambda: add(value=7))
        assert (run.how, notes()) == ((How.VALUE, ["a"]) if landed else (How.FAILED, []))
        assert ledger_scopes("default") == ({"step", "fence"} if landed else set())

    def test_what_another_owner_has_committed_is_not_taken_for_ones_own(self, perform):
        def another_does_it():
            fence = Fence(Job.objects.get().pk, 2, uuid4())
            ledger.record_step(fence, "", "8", connection=connections["default"])

        with broken_commit(landed=False, meanwhile=lambda: elsewhere(another_does_it)):
            assert perform(there, lambda: add(value=7)).how is How.LOST

    def test_one_behind_whom_a_later_claim_wrote_there_writes_nothing(self, perform):
        """Though the jobs' database, which was set back since, names it still."""

        def take_post():
            fence = Fence(Job.objects.get().pk, 2, uuid4())
            with transaction.atomic():
                assert ledger.take_post(connections["default"], fence, steps=0)

        def body():
            elsewhere(take_post)
            add()

        assert (perform(there, body).how, notes()) == (How.LOST, [])

    def test_nobody_takes_the_job_away_while_that_commits(self, perform):
        free = []

        def commits(connection, commit):
            free.append(elsewhere(may_be_taken, Job.objects.get().pk))
            commit()
            free.append(None)

        with instead_of_commit(commits):
            run = perform(there, add)
        assert (free, elsewhere(may_be_taken, run.id)) == ([False, None], True)

    @pytest.mark.skipif(connections["default"].vendor != "postgresql", reason="Only PostgreSQL can end it by itself.")
    def test_the_database_ends_what_waits_for_its_commit_for_long(self, perform):
        told = []

        def commits(connection, commit):
            with connection.cursor() as cursor:
                cursor.execute("SHOW idle_in_transaction_session_timeout")
                told.extend(cursor.fetchone())
            commit()

        with instead_of_commit(commits):
            perform(there, add)
        assert told == [f"{COMMIT_SECONDS}s"]

    def test_a_row_that_cannot_be_let_go_does_not_matter(self, perform, monkeypatch):
        really = lifecycle.held

        @contextmanager
        def breaks(*arguments):
            with really(*arguments) as ours:
                yield ours
            raise OperationalError

        monkeypatch.setattr(abroad.lifecycle, "held", breaks)
        run = perform(there, lambda: add(value=7))
        assert notes() == ["a"]
        settle(run)


@contextmanager
def instead_of_commit(deed):
    """Have the next COMMIT there be a deed, which is handed the connection and what really commits."""
    connection = connections["default"]
    really = type(connection)._commit

    def acts(self):
        if self.alias == "default":
            type(connection)._commit = really
            deed(self, lambda: really(self))
        else:
            really(self)

    type(connection)._commit = acts
    try:
        yield
    finally:
        type(connection)._commit = really


def broken_commit(*, landed, meanwhile=lambda: None):
    """Have the next COMMIT there break the connection, before or after it was done."""

    def breaks(connection, commit):
        if landed:
            commit()
        else:
            connection.connection.rollback()
        meanwhile()
        raise OperationalError("the connection was cut")

    return instead_of_commit(breaks)


def may_be_taken(job_id):
    """Return whether the row of a job can be written by others just now."""
    jobs = connections["jobs"]
    try:
        with wait_for_writers(jobs, 0.2), impatient(jobs):
            return Job.objects.filter(pk=job_id).update(crashes=F("crashes")) == 1
    except OperationalError:
        return False


@pytest.mark.parametrize("commits", [True, False])
def test_who_asks_what_was_committed_waits_for_a_commit_under_way(actors, commits):
    anna, bert = actors
    fence = Fence(uuid4(), 1, uuid4())
    anna.begin()
    anna.do(ledger.record_step, fence, "one", "7", connection=connection)
    asking = bert.start(ledger.step_once_decided, connection, fence.job_id, "one")
    bert.waits(asking)
    (anna.commit if commits else anna.roll_back)()
    entry = asking.result(30)
    assert (entry and entry.value) == (7 if commits else None)
    assert LedgerEntry.objects.using("default").count() == commits


class TestSteps:
    @pytest.mark.parametrize(
        ("task", "step"),
        [
            (in_steps, lambda *arguments, **named: once_on("default", *arguments, **named)),
            (in_steps_there, once),
            (at_large, lambda *arguments, **named: once_on("default", *arguments, **named)),
        ],
    )
    def test_a_step_there_is_done_once(self, perform, again, task, step):
        def first():
            step("one", add, "one", value=[1])
            raise LookupError

        assert perform(task, first).error == "LookupError"
        run = again(task, lambda: [step("one", add, "again", value=2), step("two", add, "two", value=3)])
        assert (run.value, notes()) == ("[[1],3]", ["one", "two"])

    def test_steps_here_and_there_follow_each_other(self, perform):
        def body():
            once("here", add, "here", using="jobs")
            once_on("default", "there", add, "there")
            once("here again", add, "here", using="jobs")

        run = perform(in_steps, body)
        assert (run.how, notes(), notes("jobs")) == (How.SETTLED, ["there"], ["here", "here"])

    def test_a_stale_owner_does_no_step_there(self, perform):
        def body():
            once_on("default", "one", add, "one")
            elsewhere(revoke, current_job().id)
            with pytest.raises(LeaseLost):
                once_on("default", "two", add, "two")
            return "done"

        perform(in_steps, body)
        assert notes() == ["one"]

    def test_a_database_that_was_set_back_is_noticed_by_the_next_step(self, perform):
        def forget():
            Entry.objects.using("default").all().delete()
            LedgerEntry.objects.using("default").all().delete()

        def body():
            once_on("default", "one", add, "one")
            elsewhere(forget)
            once_on("default", "two", add, "two")

        assert (perform(in_steps, body).how, notes()) == (How.LOST, [])

    def test_writes_outside_of_it_are_refused(self, perform):
        def body():
            once_on("default", "one", add, "one")
            add("outside")

        assert (perform(in_steps, body).error, notes()) == ("UnfencedWrite", ["one"])

    def test_not_in_a_body_that_is_one_transaction(self, perform):
        run = perform(in_one_transaction, lambda: once_on("default", "one", add))
        assert (run.error, notes()) == ("RuntimeError", [])

    def test_but_there_it_names_a_part_of_the_body(self, perform):
        run = perform(there, lambda: once("one", add, value=5))
        assert (run.value, notes()) == ("5", ["a"])

    def test_a_job_may_be_enqueued_with_a_step(self, perform):
        def step():
            add()
            return echo.using(backend="plain").enqueue_on_commit(1).id

        run = perform(in_steps, lambda: once_on("default", "one", step))
        assert Job.objects.get(pk=run.value.strip('"')).gate == Gate.OPEN

    def test_what_a_job_delivers_and_its_checkpoints_are_with_the_jobs(self, perform, again):
        calls = []

        def body():
            seen = current_job().resumed
            receipt = deliver("mail", lambda: calls.append(1) or "sent")
            once("one", add, "one")
            current_job().checkpoint([receipt, seen])
            if seen is None:
                raise LookupError
            return current_job().resumed

        assert perform(in_steps_there, body).error == "LookupError"
        run = again(in_steps_there, body)
        assert (run.value, calls, notes()) == ('["sent",["sent",null]]', [1], ["one"])
        scopes = {name: ledger_scopes(name) for name in ("jobs", "default")}
        assert scopes == {"jobs": {"checkpoint", "delivery"}, "default": {"fence", "step"}}

    @pytest.mark.parametrize("task", [in_steps, at_large])
    def test_a_checkpoint_is_not_a_part_of_a_step_there(self, perform, task):
        def step():
            add()
            current_job().checkpoint(1)

        run = perform(task, lambda: once_on("default", "one", step))
        assert (run.error, notes(), ledger_scopes("jobs")) == ("RuntimeError", [], set())
        assert "call it after the step" in run.message


def ledger_scopes(alias):
    """Return the kinds of entries in the ledger of an alias."""
    return {scope.partition(":")[0] for scope in LedgerEntry.objects.using(alias).values_list("scope", flat=True)}


class TestThePost:
    """The entry of a job on the other database, which only claims of a higher number take from one another."""

    def fence(self, attempt, token=1):
        from uuid import UUID

        return Fence(UUID(int=7), attempt, UUID(int=token))

    def take(self, attempt, *, token=1, steps=0):
        with transaction.atomic(using="default"):
            return ledger.take_post(connections["default"], self.fence(attempt, token), steps=steps)

    @pytest.mark.usefixtures("transactional_db")
    def test_it_goes_up_alone(self):
        assert self.take(2, token=2)
        assert self.take(2, token=2, steps=1)
        assert not self.take(1, token=1)
        assert self.take(3, token=3)
        assert not self.take(2, token=2, steps=2)

    @pytest.mark.usefixtures("transactional_db")
    def test_it_counts(self):
        assert not self.take(1, steps=1)
        assert self.take(1)
        assert not self.take(1, steps=2)
        assert self.take(1, steps=1)


def test_what_is_left_of_pruned_jobs_goes(perform):
    kept, gone = (perform(there, add) for _ in range(2))
    Job.objects.filter(pk=gone.id).delete()
    Judge()._forget()
    assert set(LedgerEntry.objects.using("default").values_list("job_id", flat=True)) == {kept.id}


def test_what_jobs_that_are_there_have_left_stays(perform):
    """Their steps, keys and deliveries are in the same ledger, and the jobs in no table that is seen from here."""
    run = perform(there, add)
    entries = LedgerEntry.objects.using("default")
    entry = entries.get(scope__startswith="step:")
    for scope, fingerprint in (("step:1", ""), ("enqueue:task", "print"), ("delivery:1", ""), ("schedule:nightly", "")):
        entries.create(scope=scope, key="k", job_id=uuid4(), fingerprint=fingerprint, created_at=entry.created_at)
    Job.objects.filter(pk=run.id).delete()
    Judge()._forget()
    assert ledger_scopes("default") == {"step", "enqueue", "delivery", "schedule"}
    assert not entries.filter(job_id=run.id).exists()


def test_a_worker_that_was_told_where_its_jobs_are_deletes_nothing_elsewhere(perform):
    """Another one may have been told of other jobs, which write to the same database."""
    run = perform(there, add)
    Job.objects.filter(pk=run.id).delete()
    database.choose("jobs")
    try:
        Judge()._forget()
    finally:
        database.choose(None)
    assert LedgerEntry.objects.using("default").filter(job_id=run.id).count() == 2


def test_nor_does_one_whose_jobs_are_elsewhere(perform):
    run = perform(there, add)
    entries = LedgerEntry.objects.using("default")
    entries.filter(scope__startswith="fence:").update(value="another database")
    Job.objects.filter(pk=run.id).delete()
    Judge()._forget()
    assert entries.filter(job_id=run.id).count() == 2
