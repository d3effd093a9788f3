"""orphans, rescue: whose job is judged to be without owner, and what becomes of it."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.database import DatabaseNow
from jobqueue.models import Attempt, Job, Worker
from tests import rows

pytestmark = pytest.mark.django_db


def suspects():
    return lifecycle.orphans("default")


def test_the_jobs_of_a_living_worker_are_no_orphans():
    rows.worker()
    rows.claimed()
    assert suspects() == []


def test_a_heartbeat_older_than_the_lease_makes_orphans():
    heartbeat = rows.worker(beat_ago=5, lease=2).heartbeat_at
    claim = rows.claimed()
    (orphan,) = suspects()
    assert (orphan.fence, orphan.worker_id, orphan.crashes) == (claim.fence, "w-1", 0)
    assert orphan.heartbeat_at == Worker.objects.get().heartbeat_at
    assert abs((orphan.heartbeat_at - heartbeat).total_seconds()) < 0.002
    assert not orphan.stopped


def test_a_heartbeat_is_judged_by_the_lease_of_its_own_worker():
    rows.worker(beat_ago=5, lease=30)
    rows.claimed()
    assert suspects() == []


def test_a_heartbeat_from_the_future_does_not_protect_a_dead_worker():
    """If the database's clock is set back by an hour, a living worker's next heartbeat is in the present again."""
    rows.worker(beat_ago=-3600, lease=2)
    claim = rows.claimed()
    assert [orphan.fence for orphan in suspects()] == [claim.fence]
    Worker.objects.update(heartbeat_at=DatabaseNow())
    assert suspects() == []


def test_a_worker_that_stopped_is_dead_at_once():
    rows.worker(beat_ago=0, stopped=True)
    rows.claimed()
    (orphan,) = suspects()
    assert orphan.stopped
    assert lifecycle.rescue(orphan, max_crashes=3) == "READY"
    assert "stopped and left the job" in Attempt.objects.get().traceback


def test_a_worker_without_a_row_is_dead():
    rows.claimed("never-seen")
    (orphan,) = suspects()
    assert (orphan.worker_id, orphan.heartbeat_at, orphan.stopped) == ("never-seen", None, False)
    assert lifecycle.orphans("default", unknown=False) == []
    assert lifecycle.rescue(orphan, max_crashes=3) == "READY"


def test_only_running_jobs_of_this_backend_are_looked_at():
    done = rows.claimed()
    lifecycle.succeed(connection, done.fence, None)
    rows.enqueue()
    rows.enqueue(backend="plain")
    lifecycle.claim(connection, backend="plain", queue="default", paths=rows.PATHS, worker_id="w", limit=1)
    assert suspects() == []
    assert len(lifecycle.orphans("plain")) == 1


def test_a_row_that_somebody_spoilt_keeps_no_other_from_being_rescued():
    spoilt, claim = rows.claimed(), rows.claimed()
    Job.objects.filter(pk=spoilt.job_id).update(token=None)
    assert [orphan.fence for orphan in suspects()] == [claim.fence]


def test_there_is_a_limit_to_one_look():
    for _ in range(3):
        rows.enqueue()
    ids = [claim.job_id for claim in rows.claim(limit=3)]
    assert [orphan.fence.job_id for orphan in lifecycle.orphans("default", limit=2)] == ids[:2]


def test_a_rescued_job_is_ready_and_the_crash_is_charged():
    claim = rows.claimed()
    assert lifecycle.rescue(suspects()[0], max_crashes=3) == "READY"
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.token, job.crashes, job.failures) == ("READY", "lost", None, 1, 0)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.worker_id) == ("lost", "w-1")
    assert attempt.exception_class == "jobqueue.errors.WorkerLost"
    assert rows.claim("w-2")[0].job_id == claim.job_id


def test_a_job_that_loses_every_worker_is_poison():
    job_id = rows.enqueue()
    for expected in ("READY", "READY", "FAILED"):
        rows.claim()
        assert lifecycle.rescue(suspects()[0], max_crashes=3) == expected
    job = rows.job(job_id)
    assert (job.status, job.outcome, job.crashes) == ("FAILED", "lost", 3)


def test_what_it_takes_to_look_does_not_grow_with_the_jobs(django_assert_num_queries):
    for _ in range(10):
        rows.claimed()
    with django_assert_num_queries(2):
        suspects()
    rows.worker()
    with django_assert_num_queries(1):
        lifecycle.orphans("default", unknown=False)
