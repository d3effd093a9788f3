"""HandBack: a body that is told to stop hands its job back, uncharged; what it wrote in one transaction is undone."""

import pytest

from jobqueue import HandBack, current_job
from jobqueue.worker.messages import How
from tests.app.models import Entry

ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


@ALL
def test_a_body_learns_that_the_worker_stops(stage, effects):
    def body():
        before = current_job().stopping
        stage.stopping = True
        return [before, current_job().stopping]

    assert stage.perform(body, effects=effects).value == "[false,true]"


@ALL
def test_it_leaves_the_row_to_the_worker(perform, effects):
    def body():
        raise HandBack("enough for today")

    run = perform(body, effects=effects)
    assert (run.how, run.job.status, run.job.failures) == (How.HANDED_BACK, "RUNNING", 0)


def test_what_its_transaction_wrote_is_undone(perform):
    def body():
        Entry.objects.create(note="half")
        raise HandBack

    run = perform(body)
    assert (run.how, Entry.objects.count()) == (How.HANDED_BACK, 0)


def test_a_coroutine_may_too(perform):
    async def body():
        raise HandBack

    assert perform(body).how == How.HANDED_BACK
