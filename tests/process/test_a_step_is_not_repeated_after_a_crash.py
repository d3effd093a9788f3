"""kill -9 between two steps: what the first one did is committed, and stays done once."""

import os
import signal

from tests.app.models import Counter
from tests.app.slow_tasks import hold_in_steps
from tests.waiting import wait_until


def test_the_next_attempt_finds_it_done(start_on, enqueue):
    start_on("plain")
    job = enqueue(hold_in_steps, backend="plain")
    pid = job.wait_started().pid
    wait_until(lambda: Counter.objects.get(pk=job.counter.pk).value == 1)

    os.kill(pid, signal.SIGKILL)
    job.wait_started(2)
    job.let_go()
    job.check_done(runs=2)
    assert [write.pid == pid for write in job.said("write")] == [True, False]
