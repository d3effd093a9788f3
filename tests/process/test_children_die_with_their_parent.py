"""Whatever becomes of a worker, its executors and its fork server do not stay and go on with what is not theirs."""

from tests.app.slow_tasks import hold, hold_the_gil, hold_undying
from tests.process.pids import descendants, living
from tests.waiting import wait_until

SECONDS = 3.0


def test_none_is_left_when_it_is_killed_whatever_they_are_doing(start_on, enqueue):
    worker = start_on("plain", concurrency=4)
    # One of these cannot run a thread that would see its pipe close; another, nobody but that thread can end.
    jobs = [enqueue(hold, backend="plain"), enqueue(hold_the_gil, 60, backend="plain")]
    jobs.append(enqueue(hold_undying, backend="plain"))
    busy = {job.wait_started().pid for job in jobs}
    children = descendants(worker.pid)
    # One executor is idle, and the fork server is between the worker and them all.
    assert len(children - busy) >= 2
    assert busy < children
    assert living(children) == children

    worker.kill()
    wait_until(lambda: not living(children), SECONDS)
