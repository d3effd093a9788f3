"""A process that freezes between its fence and its COMMIT keeps its job from nobody for long. L1, L4."""

import pytest
from django.db import DatabaseError, connection, connections

from jobqueue import lifecycle, sessions
from jobqueue.database import take_write_lock
from tests import rows
from tests.waiting import wait_until


@pytest.fixture
def unmarked():
    """Have other tests' sessions go without limits and names."""
    yield
    sessions.forget()
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
        # It has one lock, and no way to take it from a process that lives: that ends when the process does.
        assert bert.do(lifecycle.rescue, judged, max_crashes=3) is None
        anna.roll_back()
        assert bert.do(lifecycle.rescue, judged, max_crashes=3) == "READY"
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
    lifecycle.hold(connection, claim.fence, steps=0)
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


def test_nor_does_it_keep_rows_that_it_has_only_locked(anna, bert, unmarked, monkeypatch):
    """A claim on MariaDB and MySQL, and a rescue, lock their rows first and write then."""
    monkeypatch.setattr(sessions, "COMMIT_SECONDS", 1)
    anna.do(sessions.hurry)
    job_id = rows.enqueue()
    anna.begin()
    if connection.vendor == "sqlite":
        anna.do(take_write_lock, connection)
        anna.roll_back()
    else:
        assert anna.do(lambda: rows.Job.objects.select_for_update().filter(pk=job_id).exists())
    (claim,) = wait_until(lambda: bert.do(rows.claim), 10)
    assert claim.job_id == job_id
