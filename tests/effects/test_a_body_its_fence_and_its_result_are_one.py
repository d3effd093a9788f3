"""effects="atomic": what a body writes, the check that it is still the owner, and its result are one. S3, S5."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue import current_job, lifecycle
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.bodies import acted, in_one_transaction
from tests.effects.runs import elsewhere, revoke
from tests.rows import everything

# Nobody else can write to SQLite once a body has written.
MOMENTS = ["before it writes"] if connection.vendor == "sqlite" else ["before it writes", "after it wrote"]


def seen_from_outside(job_id):
    return everything(job_id)["status"], Entry.objects.count()


def test_they_become_visible_together(perform):
    seen = []

    def body():
        Entry.objects.create(note="written")
        seen.append(elsewhere(seen_from_outside, current_job().id))
        return {"a": [1, None, "ü"]}

    run = perform(body)

    assert seen == [("RUNNING", 0)]
    assert run.how == How.SETTLED
    assert seen_from_outside(run.id) == ("SUCCESSFUL", 1)
    assert run.result.return_value == {"a": [1, None, "ü"]}
    assert (run.job.outcome, run.job.finished_at is None) == ("ok", False)


def test_a_body_that_raises_leaves_nothing_but_its_error(perform):
    def body():
        Entry.objects.create(note="written")
        raise LookupError("not there")

    run = perform(body)

    assert run.how == How.FAILED
    assert (run.job.status, run.job.failures, Entry.objects.count()) == ("READY", 1, 0)
    assert (run.error, run.message) == ("LookupError", "LookupError: not there")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("loss", [lifecycle.cancel, revoke])
def test_a_body_that_is_no_longer_the_owner_leaves_nothing(perform, loss, moment):
    kept = []

    def body():
        if moment == "after it wrote":
            Entry.objects.create(note="early")
        elsewhere(loss, current_job().id)
        kept.append(everything(current_job().id))
        Entry.objects.create(note="late")
        return "late"

    run = perform(body)

    assert run.how == How.LOST
    assert not Entry.objects.exists()
    assert everything(run.id) == kept[0]
    assert run.attempt.refused_writes == 1


def test_a_body_that_only_read_is_settled_by_itself(perform):
    """What it read is true in one snapshot with its result, and it may have locked rows."""
    run = perform(lambda: Entry.objects.count())
    assert (run.how, run.result.return_value) == (How.SETTLED, 0)


def test_a_body_that_asked_the_database_nothing_costs_it_nothing(stage):
    stage.enqueue(in_one_transaction)
    claim = stage.claim(in_one_transaction)

    with acted(lambda: "value"), CaptureQueriesContext(connection) as queries:
        run = stage.run(claim)

    assert [query["sql"] for query in queries] == []
    assert (run.how, run.value, run.job.status) == (How.VALUE, '"value"', "RUNNING")


def test_a_stale_value_is_refused_to_the_parent_too(stage):
    run = stage.perform(lambda: "value")
    revoke(run.id)
    assert lifecycle.settle(connection, [(run.claim.fence, run.value)]) == set()


@pytest.mark.parametrize("value", [None, 0, "", [], {}, "null", False])
def test_every_value_comes_back_as_it_was(perform, value):
    def body():
        Entry.objects.create(note="written")
        return value

    assert perform(body).result.return_value == value
