"""SIGTERM: what is running may end within the grace, the rest is handed back and costs the job nothing."""

import signal

import pytest

from tests.app.slow_tasks import hold, hold_in_steps
from tests.waiting import wait_until

# A service manager signals every process of a worker at once, a person mostly one.
to_one_or_all = pytest.mark.parametrize("to", ["the worker alone", "its whole group"])


def send(number, to, worker):
    if to == "its whole group":
        worker.signal_group(number)
    else:
        worker.send_signal(number)


def check_handed_back(job):
    """Check that the job waits for another worker, as if nothing had been."""
    row = job.row
    assert (row.status, row.outcome, row.failures, row.crashes) == ("READY", "released", 0, 0)
    (attempt,) = job.attempts
    assert (attempt.outcome, attempt.exception_class) == ("released", "")


@to_one_or_all
def test_what_does_not_end_within_the_grace_is_done_by_another_worker(start_on, enqueue, backend_alias, to):
    worker = start_on(backend_alias, concurrency=2, grace=0.5)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    send(signal.SIGTERM, to, worker)
    assert worker.wait(30) == 0
    for job in jobs:
        check_handed_back(job)

    start_on(backend_alias, concurrency=2)
    for job in jobs:
        job.wait_started(2)
        job.let_go()
        job.check_done(runs=2)
        assert (job.row.failures, job.row.crashes) == (0, 0)


@to_one_or_all
def test_what_ends_within_the_grace_is_done(start_on, enqueue, backend_alias, to):
    worker = start_on(backend_alias, concurrency=2, grace=60)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    send(signal.SIGTERM, to, worker)
    worker.wait_output(" stops: 2 jobs are under way.")
    late = enqueue(hold, 0, backend=backend_alias)
    # Longer than a lease: what is coming to its end is still renewed.
    before = {job: job.renewals() for job in jobs}
    for job in jobs:
        wait_until(lambda job=job: job.renewals() > before[job] + 3)
        job.let_go()
    assert worker.wait(30) == 0
    for job in jobs:
        job.check_done(runs=1)
    # And nothing was begun any more.
    assert late.row.status == "READY"
    assert not late.starts


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_second_signal_ends_the_grace(start_on, enqueue, backend_alias, number):
    worker = start_on(backend_alias, grace=60)
    job = enqueue(hold, backend=backend_alias)
    job.wait_started()
    worker.send_signal(number)
    worker.wait_output(" stops: 1 jobs are under way.")
    worker.send_signal(number)
    assert worker.wait(30) == 0
    check_handed_back(job)
