"""Who has a schedule tick dies, or freezes and thaws, at each point: then the tick has happened whole or not at all.

Others look on meanwhile, and after it: in the end there is one job for the tick, which ran once.
"""

import pytest
from django.db import connection

from jobqueue import schedules
from jobqueue.ledger import schedule_scope
from jobqueue.models import Job, LedgerEntry, Schedule
from tests import rows
from tests.app.fault_tasks import write
from tests.crashpoints import deeds
from tests.crashpoints.story import check_story
from tests.waiting import wait_until

# Which point, and whether the tick is committed by then.
TICKS = [
    ("tick.before-ledger", False),
    ("tick.before-enqueue", False),
    ("enqueue.before-insert", False),
    ("enqueue.after-insert", False),
    ("tick.before-step", False),
    ("tick.before-commit", False),
    ("enqueue.before-hint", True),
    ("enqueue.after-hint", True),
    ("tick.after", True),
]
each_tick = pytest.mark.parametrize(("point", "committed"), TICKS)


@pytest.fixture
def case(case_on):
    return case_on("default")


@pytest.fixture
def due(case):
    """Give a schedule that is due; no worker is there yet."""
    made = rows.schedule("nightly", write, late=5)
    Schedule.objects.update(arguments={"args": [], "kwargs": {}})
    return made


def happened(due):
    """Return how often the tick did; check that the job, the ledger and the row of the schedule tell the same."""
    jobs, after = list(Job.objects.values_list("pk", flat=True)), Schedule.objects.get()
    assert list(LedgerEntry.objects.filter(scope=schedule_scope("nightly")).values_list("job_id", flat=True)) == jobs
    assert (after.next_at > due.next_at) == bool(jobs)
    assert after.last_job_id == (jobs[0] if jobs else None)
    return len(jobs)


def check_once(case, due):
    """Have workers go on with it, and check that there is one job, which has run once."""
    case.start_rescuer()
    wait_until(lambda: happened_in_the_end(due), 30.0)
    for job_id, path in Job.objects.values_list("pk", "task_path"):
        case.world.enqueued[job_id] = path
    case.world.assert_all_right()
    check_story(list(case.world.enqueued))


def happened_in_the_end(due):
    # Set back by hand all the while: whoever looks finds it due.
    Schedule.objects.filter(next_at__gt=due.next_at).update(next_at=due.next_at, last_tick_at=None)
    return Job.objects.filter(status="SUCCESSFUL").count() == Job.objects.count() == 1


@each_tick
def test_killed_while_it_ticks(case, due, point, committed):
    case.start_victim("tick", order=f"{point}=kill")
    case.wait_reached()
    assert case.victim.wait() == -9
    assert happened(due) == int(committed)
    check_once(case, due)


@each_tick
def test_frozen_while_it_ticks(case, due, point, committed):
    case.start_victim("tick", order=f"{point}=freeze")
    can_write = case.freeze_all(case.wait_reached())
    assert happened(due) == int(committed)
    if not committed and can_write and connection.vendor != "sqlite" and point == "tick.before-ledger":
        assert schedules.tick(due.pk) is None  # The row is the frozen one's, and is passed over.
    case.victim.thaw()
    assert case.victim.wait() == 0
    assert happened(due) == 1
    deeds.tick()
    check_once(case, due)
