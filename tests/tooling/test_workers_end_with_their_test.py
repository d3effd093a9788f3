import os
import signal

import pytest

from tests.app.models import Counter
from tests.app.tasks import add
from tests.processes import WorkerProcess
from tests.waiting import wait_until


def alive(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_works_on_the_database_of_the_test(start_worker, backend_alias):
    counter = Counter.objects.create(name="one")
    add.using(backend=backend_alias).enqueue(counter.pk)
    worker = start_worker("--backend", backend_alias, "--concurrency", "1", "--burst")
    assert worker.wait(30) == 0, worker.output
    counter.refresh_from_db()
    assert counter.value == 1


@pytest.mark.parametrize("number", [None, signal.SIGSTOP, signal.SIGKILL])
def test_nothing_is_left_of_a_worker_however_it_was_treated(transactional_db, tmp_path, number):
    worker = WorkerProcess("runworkers", "--concurrency", "1", "--grace", "1", output=tmp_path / "log")
    worker.wait_started()
    if number is not None:
        worker.signal_group(number)
    worker.end()
    wait_until(lambda: not alive(worker.pid), 5)
