"""The server hangs up on every session of a worker. New ones are opened; nobody has to restart anything."""

import contextlib

from django.db import OperationalError, connection

from tests.app.slow_tasks import hold, hold_in_steps
from tests.waiting import wait_until

OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
HANG_UP = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def others():
    """Return the sessions on this database but our own."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS[connection.vendor])
        return {number for (number,) in cursor.fetchall()}


def hang_up(sessions):
    with connection.cursor() as cursor:
        for number in sessions:
            with contextlib.suppress(OperationalError):  # It has gone by itself.
                cursor.execute(HANG_UP[connection.vendor], [number])
    wait_until(lambda: not sessions & others())


def check_that_nothing_was_restarted(worker):
    assert worker.poll() is None
    assert " is gone: " not in worker.output


def test_between_jobs(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias)
    first = enqueue(hold, 0, backend=backend_alias)
    first.check_done(runs=1)
    # The executor's, the dispatcher's, the heartbeat's.
    hang_up(wait_until(lambda: sessions if len(sessions := others()) >= 3 else None))
    second = enqueue(hold, 0, backend=backend_alias)
    second.wait_status("SUCCESSFUL")
    assert {start.pid for start in second.starts} == {first.starts[0].pid}
    check_that_nothing_was_restarted(worker)


def test_while_jobs_are_running(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias, concurrency=2)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    wait_until(lambda: jobs[1].said("write"))
    hang_up(wait_until(lambda: sessions if len(sessions := others()) >= 4 else None))
    for job in jobs:
        job.let_go()
        # The body's next statement fails, and with it the attempt; what another does is not charged with a crash.
        row = job.wait_status("SUCCESSFUL")
        job.check_done(runs=row.failures + 1)
        assert row.crashes == 0
    check_that_nothing_was_restarted(worker)
