"""Native code that keeps the interpreter to itself starves every thread beside it; the renewer is not beside it."""

from tests.app.slow_tasks import hold_the_gil
from tests.waiting import wait_until

LEASE = 2.0


def test_it_runs_once_though_no_thread_of_its_process_can_run(start_on, enqueue, backend_alias):
    for name in ("one", "other"):
        start_on(backend_alias, "--name", name)
    job = enqueue(hold_the_gil, 3 * LEASE, backend=backend_alias)
    job.wait_started()
    wait_until(lambda: job.renewals() >= 3)
    assert job.row.status == "RUNNING"
    job.check_done(runs=1)
    assert job.row.attempt == 1
    # How long the other threads were starved, by their own account.
    assert job.row.result >= 2.5 * LEASE
