"""The connection breaks in a COMMIT: whether it landed is found out before anything is reported. S8."""

import contextlib

import pytest
from django.db import OperationalError, connection, transaction

from jobqueue import current_job, once
from jobqueue.models import Attempt, LedgerEntry
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.runs import elsewhere, revoke

OUTCOMES = ["landed", "was lost"]


class Cut:
    """Breaks this thread's connection in its next COMMIT, on the one side of it or on the other."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.done = 0
        self.then = lambda: None

    def next_commit(self, outcome):
        self._monkeypatch.setattr(connection, "_commit", lambda: self._commit(outcome))

    def _commit(self, outcome):
        self._monkeypatch.delattr(connection, "_commit")
        self.done += 1
        if outcome == "landed":
            connection._commit()
        self._break()
        self.then()
        if outcome == "was lost" and connection.vendor != "sqlite":
            connection._commit()  # The real thing: it cannot arrive any more.
        raise OperationalError("The server closed the connection unexpectedly.")

    def _break(self):
        if connection.vendor == "sqlite":
            connection.connection.rollback()
            return
        raw = connection.connection
        kill = "SELECT pg_terminate_backend(%s)" if connection.vendor == "postgresql" else "KILL %s"
        session = raw.info.backend_pid if connection.vendor == "postgresql" else raw.thread_id()
        elsewhere(execute, kill, [session])


def execute(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


@pytest.fixture
def cut(stage, monkeypatch):
    return Cut(monkeypatch)


def test_a_body_that_landed_is_done(perform, cut):
    told = []

    def body():
        Entry.objects.create(note="once")
        transaction.on_commit(lambda: told.append("committed"))
        cut.next_commit("landed")
        return 7

    run = perform(body)

    assert (cut.done, run.how, run.result.return_value) == (1, How.SETTLED, 7)
    assert told == ["committed"]
    assert (run.job.failures, Entry.objects.count(), Attempt.objects.count()) == (0, 1, 0)


def test_a_body_that_did_not_land_has_failed(perform, cut):
    told = []

    def body():
        Entry.objects.create(note="never")
        transaction.on_commit(lambda: told.append("committed"))
        cut.next_commit("was lost")

    run = perform(body)

    assert (cut.done, run.how, run.job.status, run.error) == (1, How.FAILED, "READY", "OperationalError")
    assert (told, Entry.objects.count()) == ([], 0)


def test_a_body_that_did_not_land_and_was_rescued_meanwhile_is_lost(perform, cut):
    def body():
        Entry.objects.create(note="never")
        job_id = current_job().id
        cut.then = lambda: elsewhere(revoke, job_id)
        cut.next_commit("was lost")

    run = perform(body)

    assert (cut.done, run.how) == (1, How.LOST)
    assert (run.job.status, run.job.worker_id, Entry.objects.count()) == ("RUNNING", "rival", 0)


@pytest.mark.parametrize("effects", ["steps", "unfenced"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_step_is_done_once_either_way(perform, cut, effects, outcome):
    def step():
        Entry.objects.create(note="step")
        return 7

    def body():
        cut.next_commit(outcome)
        with contextlib.suppress(OperationalError):
            return once("step", step)
        return once("step", step) * 10

    run = perform(body, effects=effects)

    assert run.how == How.SETTLED, run.attempt.traceback
    assert (cut.done, run.value) == (1, "7" if outcome == "landed" else "70")
    assert (Entry.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_after_it_a_session_of_steps_is_still_read_only(perform, cut):
    def body():
        cut.next_commit("landed")
        once("step", lambda: None)
        Entry.objects.create(note="outside")

    run = perform(body, effects="steps")
    assert (cut.done, run.how, run.error) == (1, How.FAILED, "UnfencedWrite")
    assert not Entry.objects.exists()


def test_a_step_whose_job_was_rescued_meanwhile_is_not_reported(perform, cut):
    """It landed, so its ledger entry is there: the next owner finds its value and does not repeat it."""

    def body():
        job_id = current_job().id
        cut.then = lambda: elsewhere(revoke, job_id)
        cut.next_commit("landed")
        once("step", lambda: 7)

    run = perform(body, effects="steps")
    assert (cut.done, run.how, run.job.worker_id) == (1, How.LOST, "rival")
    assert LedgerEntry.objects.get().value == 7
