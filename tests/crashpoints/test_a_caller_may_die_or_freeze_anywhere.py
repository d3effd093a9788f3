"""Who enqueues, cancels, retries, decides or prunes dies, or freezes and thaws, at each point: all of it or nothing."""

import pytest
from django.tasks import TaskResultStatus

from jobqueue.ledger import enqueue_scope, step_scope
from jobqueue.models import Attempt, Job, LedgerEntry, Worker
from tests.app.crash_tasks import fail_for_good, hear_nothing
from tests.app.fault_tasks import hold, write, write_in_steps
from tests.app.models import Entry
from tests.crashpoints import deeds
from tests.crashpoints.story import check_story
from tests.waiting import wait_until

KEY = "a key"

# Which deed comes to which point, and whether the jobs are committed by then.
ENQUEUES = [
    (deeds.enqueue, "enqueue.before-ledger", False),
    (deeds.enqueue, "enqueue.before-insert", False),
    (deeds.enqueue, "enqueue.after-insert", False),
    (deeds.enqueue, "enqueue.before-hint", True),
    (deeds.enqueue, "enqueue.after-hint", True),
    (deeds.enqueue_alone, "enqueue.before-insert", False),
    (deeds.enqueue_alone, "enqueue.after-insert", True),
    (deeds.enqueue_behind, "enqueue.before-dependencies", False),
    (deeds.enqueue_behind, "enqueue.before-hint", True),
    (deeds.enqueue_many, "enqueue.between-lots", False),
    (deeds.enqueue_many, "enqueue.before-hint", True),
    (deeds.enqueue_under_keys, "enqueue.before-keys", False),
    (deeds.enqueue_under_keys, "enqueue.after-keys", False),
    (deeds.enqueue_under_keys, "enqueue.before-hint", True),
]
JOBS = {
    deeds.enqueue: 1,
    deeds.enqueue_alone: 1,
    deeds.enqueue_behind: 2,
    deeds.enqueue_many: 3,
    deeds.enqueue_under_keys: 2,
}
KEYED = {deeds.enqueue, deeds.enqueue_under_keys}
CANCELS = [("cancel.before-attempt", False), ("cancel.before-commit", False), ("cancel.after", True)]
RETRIES = [("retry.before", False), ("retry.after", True)]
LOTS = [("lot.before-commit", False), ("lot.after", True)]
DECIDES = [("decide.before", False), ("decide.before-commit", False), ("decide.after", True)]
PRUNES = [
    ("prune.before-steps", False),
    ("prune.before-jobs", False),
    ("prune.before-commit", False),
    ("prune.after", True),
    ("forget.before", True),
    ("forget.after", True),
]
each_enqueue = pytest.mark.parametrize(
    ("deed", "point", "committed"), ENQUEUES, ids=lambda value: getattr(value, "__name__", None)
)
each_cancel = pytest.mark.parametrize(("point", "committed"), CANCELS)
each_retry = pytest.mark.parametrize(("point", "committed"), RETRIES)
each_lot = pytest.mark.parametrize(("point", "committed"), LOTS)
each_decide = pytest.mark.parametrize(("point", "committed"), DECIDES)
each_prune = pytest.mark.parametrize(("point", "committed"), PRUNES)


@pytest.fixture
def case(case_on):
    return case_on("default")


def kill_at(case, point, deed, *arguments):
    case.start_victim(deed.__name__, *arguments, order=f"{point}=kill")
    case.wait_reached()
    assert case.victim.wait() == -9


def freeze_at(case, point, deed, *arguments):
    """Freeze the deed; return whether others can write meanwhile."""
    case.start_victim(deed.__name__, *arguments, order=f"{point}=freeze")
    return case.freeze_all(case.wait_reached())


def thaw(case):
    case.victim.thaw()
    assert case.victim.wait() == 0


def others_work_meanwhile(case, *, can_write):
    """Have a job done while somebody is frozen, if the database lets anybody write."""
    job_id = case.world.enqueue(write) if can_write else None
    case.start_rescuer()
    if job_id is None:
        case.let_lease_pass()
    else:
        case.world.wait_ended([job_id])


def is_in_step_with_its_caller(deed):
    """Check that the jobs are there if and only if the caller's own line is; return how many there are."""
    found = Job.objects.count()
    if deed is not deeds.enqueue_alone:
        assert Entry.objects.filter(note=KEY, job="").count() == (1 if found else 0)
    return found


def check_all_right(case, *, failed=()):
    for job_id, path in Job.objects.values_list("pk", "task_path"):
        case.world.enqueued[job_id] = path
    case.world.assert_all_right(failed=failed)
    check_story(list(case.world.enqueued))


@each_enqueue
def test_killed_while_it_enqueues(case, deed, point, committed):
    kill_at(case, point, deed, "default", KEY)
    assert is_in_step_with_its_caller(deed) == (JOBS[deed] if committed else 0)
    if deed in KEYED:
        # A caller that does not know what became of it says it again.
        deed("default", KEY)
        assert Job.objects.count() == JOBS[deed]
    case.start_rescuer()
    check_all_right(case)


@each_enqueue
def test_frozen_while_it_enqueues(case, deed, point, committed):
    can_write = freeze_at(case, point, deed, "default", KEY)
    assert is_in_step_with_its_caller(deed) == (JOBS[deed] if committed else 0)
    others_work_meanwhile(case, can_write=can_write)
    thaw(case)
    assert is_in_step_with_its_caller(deed) == JOBS[deed] + len(case.world.enqueued)
    check_all_right(case)


def running_job(case):
    case.start_rescuer()
    job_id = case.world.enqueue(hold)
    case.world.wait_said("start")
    return job_id


@each_cancel
def test_killed_while_it_cancels(case, point, committed):
    job_id = running_job(case)
    kill_at(case, point, deeds.cancel, str(job_id))
    check_all_right(case, failed=[job_id] if committed else ())


@each_cancel
def test_frozen_while_it_cancels(case, point, committed):
    job_id = running_job(case)
    freeze_at(case, point, deeds.cancel, str(job_id))
    case.let_lease_pass()
    row = case.world.row(job_id)
    assert (row.status, row.attempt) == ("FAILED" if committed else "RUNNING", 1)
    thaw(case)
    check_all_right(case, failed=[job_id])


def statuses(job_ids):
    return set(Job.objects.filter(pk__in=job_ids).values_list("status", flat=True))


def failed_jobs(case, number, task=fail_for_good):
    case.start_rescuer()
    job_ids = [case.world.enqueue(task) for _ in range(number)]
    wait_until(lambda: statuses(job_ids) == {"FAILED"}, 30.0)
    case.world.let_go()
    return job_ids


def failed_job(case, task=fail_for_good):
    (job_id,) = failed_jobs(case, 1, task)
    return job_id


@each_retry
def test_killed_while_it_retries(case, point, committed):
    job_id = failed_job(case)
    kill_at(case, point, deeds.retry, str(job_id))
    check_all_right(case, failed=() if committed else [job_id])


@each_retry
def test_frozen_while_it_retries(case, point, committed):
    job_id = failed_job(case)
    freeze_at(case, point, deeds.retry, str(job_id))
    if committed:
        case.world.wait_ended([job_id])
    thaw(case)
    check_all_right(case)


@each_lot
def test_killed_while_it_cancels_many(case, point, committed):
    waiting = [case.world.enqueue(write) for _ in range(2)]
    kill_at(case, point, deeds.cancel_all, *map(str, waiting))
    assert statuses(waiting) == {"FAILED" if committed else "READY"}
    case.start_rescuer()
    check_all_right(case, failed=waiting if committed else ())


@each_lot
def test_frozen_while_it_cancels_many(case, point, committed):
    waiting = [case.world.enqueue(write) for _ in range(2)]
    can_write = freeze_at(case, point, deeds.cancel_all, *map(str, waiting))
    assert statuses(waiting) == {"FAILED" if committed else "READY"}
    others_work_meanwhile(case, can_write=can_write)
    thaw(case)
    assert statuses(waiting) == {"FAILED"}
    check_all_right(case, failed=waiting)


@each_lot
def test_killed_while_it_retries_many(case, point, committed):
    failed = failed_jobs(case, 2)
    kill_at(case, point, deeds.retry_all, *map(str, failed))
    check_all_right(case, failed=() if committed else failed)


@each_lot
def test_frozen_while_it_retries_many(case, point, committed):
    failed = failed_jobs(case, 2)
    freeze_at(case, point, deeds.retry_all, *map(str, failed))
    if committed:
        case.world.wait_ended(failed)
    thaw(case)
    check_all_right(case)


@each_decide
def test_killed_while_it_decides(case, point, committed):
    job_id = failed_job(case, hear_nothing)
    kill_at(case, point, deeds.decide, str(job_id))
    assert committed or case.world.row(job_id).outcome == "in_doubt"
    check_all_right(case, failed=() if committed else [job_id])


@each_decide
def test_frozen_while_it_decides(case, point, committed):
    job_id = failed_job(case, hear_nothing)
    freeze_at(case, point, deeds.decide, str(job_id))
    if committed:
        case.world.wait_ended([job_id])
    thaw(case)
    check_all_right(case)


def finished_jobs(case):
    """Have two jobs done; return them, and a look at whether they are there with all that belongs to them, or gone."""
    worker = case.start_rescuer()
    jobs = case.world.enqueue(write, idempotency_key=KEY), case.world.enqueue(write_in_steps)
    case.world.wait_ended()
    worker.terminate()
    assert worker.wait() == 0
    case.world.enqueued.clear()

    def there():
        """Return how many jobs and steps there are, and whether the ledger answers for the job with the key."""
        jobs_there = Job.objects.filter(pk__in=jobs).count()
        steps = LedgerEntry.objects.filter(scope__in=map(step_scope, jobs)).count()
        kept = LedgerEntry.objects.get(scope=enqueue_scope(write.module_path), key=KEY).value
        if jobs_there == 0:
            assert not Attempt.objects.filter(job_id__in=jobs).exists()
        return jobs_there, steps, kept is not None

    assert there() == (2, 2, False)
    return there


def check_forgotten(there, gone):
    """Check that the rows are gone, and that the key is still answered with what came of its job."""
    assert there() == (0, 0, True)
    assert not Worker.objects.filter(pk__in=gone).exists()
    result = write.using(idempotency_key=KEY).enqueue()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert not Job.objects.exists()


@each_prune
def test_killed_while_it_prunes(case, point, committed):
    there, gone = finished_jobs(case), list(Worker.objects.values_list("pk", flat=True))
    kill_at(case, point, deeds.prune, "default")
    assert there() == ((0, 0, True) if committed else (2, 2, False))
    deeds.prune("default")
    check_forgotten(there, gone)


@each_prune
def test_frozen_while_it_prunes(case, point, committed):
    there, gone = finished_jobs(case), list(Worker.objects.values_list("pk", flat=True))
    can_write = freeze_at(case, point, deeds.prune, "default")
    assert there() == ((0, 0, True) if committed else (2, 2, False))
    others_work_meanwhile(case, can_write=can_write)
    thaw(case)
    Job.objects.filter(pk__in=case.world.enqueued).delete()
    check_forgotten(there, gone)
