"""A process that freezes between its fence and its COMMIT keeps its job from nobody for long. L1, L4."""

import pytest
from django.db import DatabaseError, connection, connections

from jobqueue import lifecycle, sessions
from tests import rows
from tests.waiting import wait_until


@pytest.fixture
def unmarked():
    """Have other tests' sessions go without limits and names."""
    yield
    for uid in ("jobqueue.mark", "jobqueue.hurry"):
        sessions.connection_created.disconnect(dispatch_uid=uid)
    connections["default"].close()


def freeze(actor, fence):
    """Have a body end, up to its COMMIT; nothing is heard of it from then on."""
    actor.begin()
    assert actor.do(lifecycle.succeed, connection, fence, None)


def test_a_job_whose_worker_froze_in_its_commit_is_rescued(anna, bert, unmarked, monkeypatch):
    monkeypatch.setattr(sessions, "COMMIT_SECONDS", 1)
    worker = rows.worker("frozen", beat_ago=60)
    anna.do(sessions.mark, "frozen", worker.pid)
    claim = rows.claimed("frozen")
    freeze(anna, claim.fence)
    (judged,) = lifecycle.orphans("default")

    if connection.vendor == "sqlite":
        # It has one lock, and no way to take it from a process that lives: the wait ends when the process does.
        rescued = bert.start(lifecycle.rescue, judged, max_crashes=3)
        bert.waits(rescued)
        anna.roll_back()
        assert rescued.result(10) == "READY"
    else:
        assert wait_until(lambda: bert.do(lifecycle.rescue, judged, max_crashes=3), 10) == "READY"
        with pytest.raises(DatabaseError):
            anna.commit()
    assert rows.job(claim.job_id).status == "READY"


def test_a_living_worker_s_session_is_left_alone(anna, bert, unmarked):
    worker = rows.worker("alive", beat_ago=60)
    anna.do(sessions.mark, "alive", worker.pid)
    claim = rows.claimed("alive")
    freeze(anna, claim.fence)
    (judged,) = lifecycle.orphans("default")
    if connection.vendor != "sqlite":
        bert.do(worker.refresh_from_db)
        bert.do(lambda: type(worker).objects.filter(pk="alive").update(heartbeat_at="2030-01-01T00:00Z"))
        assert bert.do(lifecycle.rescue, judged, max_crashes=3) is None
    anna.commit()
    assert rows.job(claim.job_id).status == "SUCCESSFUL"


def test_the_limit_ends_with_the_transaction(transactional_db):
    """A body may take its time between two statements; only the fence may not be kept waiting."""
    claim = rows.claimed()
    lifecycle.hold(connection, claim.fence)
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("0",)


def test_a_process_without_user_code_limits_all_its_transactions(anna, bert, unmarked, monkeypatch):
    monkeypatch.setattr(sessions, "COMMIT_SECONDS", 1)
    anna.do(sessions.hurry)
    claim = rows.claimed("frozen")
    anna.begin()
    assert anna.do(lifecycle.release, [claim.fence], started=True) == 1

    (judged,) = lifecycle.orphans("default")
    if connection.vendor == "sqlite":
        anna.roll_back()
    assert wait_until(lambda: bert.do(lifecycle.rescue, judged, max_crashes=3), 10) == "READY"
    if connection.vendor != "sqlite":
        with pytest.raises(DatabaseError):
            anna.commit()
