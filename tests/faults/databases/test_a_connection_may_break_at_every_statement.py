"""The connection breaks at each statement of a job in turn, before it, behind it, or under way. S1, S3, S8, L1."""

import itertools
import os
import threading
import time

import pytest
from django.db import connection

from jobqueue.database import uuid_param
from tests import rows
from tests.app import database_fault_tasks as tasks
from tests.faults.databases.clerk import Clerk
from tests.proxy import Then

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file has no connection that could break.")

# How long a request is under way that arrives after its sender has given it up.
IN_FLIGHT_SECONDS = 0.15
TASKS = [tasks.write_twice, tasks.step_twice, tasks.raise_first, tasks.raise_always, tasks.value]
# The suite tries each third place; JOBQUEUE_SWEEP=all tries all of them.
STRIDE = 1 if os.environ.get("JOBQUEUE_SWEEP") == "all" else 3


class Life:
    """One job after the other, each from its enqueueing to its end, with whatever has to be tried again."""

    def __init__(self, world, proxy, straight):
        self.world = world
        self.proxy = proxy
        self._straight = straight
        self._clerk = Clerk(world.backend)

    def live(self, task):
        """Live one and return what the executor said of it last, and how many failures it was charged with."""
        key = f"key-{len(self.world.enqueued)}"
        job_id = self._clerk.enqueue(task.using(backend=self.world.backend), key)
        self.world.enqueued[job_id] = task.module_path
        over = time.monotonic() + 20
        while not self._ended(job_id):
            assert time.monotonic() < over, f"It does not end: {task.name}: {rows.everything(job_id)}"
            self._clerk.turn()
        connection.close()
        return self._clerk.told[job_id], self._look(job_id)[1]

    def _ended(self, job_id):
        return self._look(job_id)[0] in ("SUCCESSFUL", "FAILED")

    def _look(self, job_id):
        with self._straight.cursor() as cursor:
            cursor.execute(
                "SELECT status, failures FROM jobqueue_job WHERE id = %s", [uuid_param(self._straight, job_id)]
            )
            return cursor.fetchone()


@pytest.fixture
def life(world_on, proxy, straight):
    return Life(world_on("plain"), proxy, straight)


def let_go_later(trap):
    """Let what is in flight arrive, after whoever sent it has begun to ask what became of it."""

    def let_go():
        if trap.sprung.wait(30) and trap.request:
            time.sleep(IN_FLIGHT_SECONDS)
            trap.let_go()

    thread = threading.Thread(target=let_go)
    thread.start()
    return thread


@pytest.mark.parametrize("then", [Then.CUT_BEFORE, Then.CUT_BEHIND, Then.IN_FLIGHT], ids=lambda then: then.name.lower())
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_job_is_done_once_and_told_as_it_was(life, task, then, caplog):
    # What is asked once in a minute, as whether there are jobs with limits, is asked in a life that is not counted.
    life.live(task)
    counting = life.proxy.trap(nth=0)
    told, failures = life.live(task)
    life.proxy.heal()
    for place in itertools.count(1 + list(Then).index(then) % STRIDE, STRIDE):
        trap = life.proxy.trap(b"", then, nth=place)
        late = let_go_later(trap) if then is Then.IN_FLIGHT else None
        told_now, failures_now = life.live(task)
        if not (reached := trap.sprung.wait(1)):
            trap.sprung.set()
        if late is not None:
            late.join()
        life.proxy.heal()
        assert told_now == told, trap.request
        if not reached:  # A life is not always of the same length: it asks until a job is due again.
            assert place > counting.seen / 2
            break
        # Before a COMMIT, a lost connection is a failure of the attempt as any other. Behind it, it is none.
        landed = b"COMMIT" in trap.request and then is not Then.CUT_BEFORE
        assert failures_now - failures in ((0,) if landed else (0, 1)), trap.request
    # A task's own backoff is asked whatever became of the connection.
    assert "using the default delay" not in caplog.text
    life.world.assert_all_right(failed=life.world.enqueued if task is tasks.raise_always else ())
