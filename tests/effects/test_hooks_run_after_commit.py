"""transaction.on_commit() in a body means its own COMMIT; what a hook does changes nothing about the job."""

import pytest
from django.db import transaction

from jobqueue import current_job, once
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.runs import elsewhere, revoke
from tests.rows import everything


def test_a_hook_sees_what_was_committed(perform):
    seen = []

    def body():
        job_id = current_job().id
        transaction.on_commit(lambda: seen.append((everything(job_id)["status"], elsewhere(Entry.objects.count))))
        Entry.objects.create(note="written")
        assert seen == []

    perform(body)
    assert seen == [("SUCCESSFUL", 1)]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
@pytest.mark.parametrize("robust", [False, True])
def test_one_that_raises_changes_nothing(perform, caplog, error, robust):
    ran = []

    def fail():
        ran.append("first")
        raise error

    def body():
        Entry.objects.create(note="written")
        transaction.on_commit(fail, robust=robust)
        transaction.on_commit(lambda: ran.append("second"))
        return "done"

    run = perform(body)

    assert (run.how, run.result.return_value) == (How.SETTLED, "done")
    assert (ran, Entry.objects.count()) == (["first", "second"], 1)
    assert "An on_commit hook of a job failed" in caplog.text


def test_a_body_that_leaves_only_a_hook_is_settled_before_it_runs(perform):
    seen = []

    def body():
        job_id = current_job().id
        transaction.on_commit(lambda: seen.append(everything(job_id)["status"]))

    assert perform(body).how == How.SETTLED
    assert seen == ["SUCCESSFUL"]


def test_without_a_commit_there_is_no_hook(perform):
    ran = []

    def fails():
        transaction.on_commit(lambda: ran.append("failed"))
        raise ValueError

    def is_stale():
        transaction.on_commit(lambda: ran.append("stale"))
        elsewhere(revoke, current_job().id)

    def undoes_a_part():
        with transaction.atomic():
            transaction.on_commit(lambda: ran.append("undone"))
            transaction.set_rollback(True)
        Entry.objects.create(note="kept")

    hows = [perform(body).how for body in (is_stale, undoes_a_part, fails)]
    assert (hows, ran) == ([How.LOST, How.SETTLED, How.FAILED], [])


@pytest.mark.parametrize("effects", ["steps", "unfenced"])
def test_after_a_step_they_run_before_the_body_goes_on(perform, effects):
    ran = []

    def step():
        transaction.on_commit(lambda: ran.append(elsewhere(Entry.objects.count)))
        transaction.on_commit(lambda: 1 / 0)
        Entry.objects.create(note="written")

    def body():
        once("step", step)
        return list(ran)

    assert perform(body, effects=effects).value == "[1]"


def test_outside_of_any_transaction_they_run_at_once(perform):
    ran = []

    def body():
        transaction.on_commit(lambda: ran.append("now"))
        return list(ran)

    assert perform(body, effects="unfenced").value == '["now"]'
