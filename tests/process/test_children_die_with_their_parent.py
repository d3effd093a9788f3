"""Whatever becomes of a worker, its executors and its fork server do not stay and go on with what is not theirs."""

from tests.app.slow_tasks import hold, hold_the_gil
from tests.process.pids import descendants, living
from tests.waiting import wait_until

SECONDS = 3.0


def test_none_is_left_when_it_is_killed_not_even_one_that_holds_the_gil(start_on, enqueue):
    worker = start_on("plain", concurrency=3)
    jobs = [enqueue(hold, backend="plain"), enqueue(hold_the_gil, 60, backend="plain")]
    busy = {job.wait_started().pid for job in jobs}
    children = descendants(worker.pid)
    # One executor is idle, and the fork server is between the worker and them all.
    assert len(children - busy) >= 2
    assert busy < children
    assert living(children) == children

    worker.kill()
    wait_until(lambda: not living(children), SECONDS)
