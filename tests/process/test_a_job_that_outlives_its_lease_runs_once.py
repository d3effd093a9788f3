"""The bug that this package exists for: work that takes three times as long as its lease, while a rival is idle."""

from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.slow_jobs import leases
from tests.waiting import wait_until

LEASE = 2.0


def test_it_runs_once_and_is_renewed_all_the_while(start_on, enqueue, backend_alias):
    for name in ("one", "other"):
        start_on(backend_alias, "--name", name, concurrency=2)
    jobs = [enqueue(task, 3 * LEASE, backend=backend_alias) for task in (hold, hold_in_steps)]
    live = leases(backend_alias)
    for job in jobs:
        start = job.wait_started()
        wait_until(lambda job=job: job.renewals() >= 3)
        row = job.row
        assert row.status == "RUNNING"
        if live is not None:
            lease = live.read([job.id])[job.id]
            assert (lease.attempt, lease.token, lease.worker_id) == (row.attempt, row.token, row.worker_id)
            assert lease.pid == start.pid
            assert 0 < lease.ttl <= LEASE

    for job in jobs:
        job.check_done(runs=1)
        row = job.row
        assert (row.finished_at - row.started_at).total_seconds() >= 3 * LEASE
        assert (row.attempt, row.failures, row.crashes) == (1, 0, 0)
        attempt = job.wait_attempt_ended()
        assert (attempt.outcome, attempt.refused_writes) == ("ok", 0)
        assert (attempt.worker_id, attempt.pid) == (row.worker_id, job.starts[0].pid)
        assert attempt.renewals >= 3
        if live is not None:
            wait_until(lambda job=job: not live.read([job.id]))
