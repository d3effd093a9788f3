"""The heartbeat of a living worker hangs, for somebody has its row locked. Its leases go on, and they are enough. S12.

SQLite has but one lock for all: there, nobody could rescue anything meanwhile.
"""

from contextlib import contextmanager

from django.db import connection

from jobqueue.models import Worker
from tests.app.effect_tasks import until_cancelled
from tests.app.models import Entry
from tests.app.record import notes, open_gate
from tests.app.slow_tasks import hold
from tests.process.slow_jobs import database_now
from tests.races.actors import Actor
from tests.waiting import wait_until

LEASE = 2.0


@contextmanager
def no_heartbeat(worker):
    """Keep a worker from writing its heartbeat."""
    other = Actor()
    other.begin()
    other.do(lambda: Worker.objects.select_for_update().get(pid=worker.pid))
    try:
        yield
    finally:
        other.roll_back()
        other.leave()
        other.join()


def stood_still_for(worker, seconds):
    """Wait until the last heartbeat of a worker is so old."""
    wait_until(lambda: (database_now() - Worker.objects.get(pid=worker.pid).heartbeat_at).total_seconds() > seconds, 20)


if connection.vendor != "sqlite":

    def test_while_its_leases_are_renewed_its_jobs_run_once_though_redis_forgets_them(redis, start_on, enqueue):
        env = {"REDIS_URL": redis.url}
        owner = start_on("default", "--name", "owner", env=env)
        job = enqueue(hold, backend="default")
        job.wait_started()
        start_on("default", "--name", "rival", env=env).wait_started()

        with no_heartbeat(owner):
            # A rival has had the time to look twice, and Redis has been up for longer than a lease.
            stood_still_for(owner, 3 * LEASE)
            assert job.row.crashes == 0
            # Until the next renewal there is no witness at all, but a memory that has just begun.
            renewals = job.renewals()
            wait_until(lambda: job.renewals() > renewals)
            redis.flush()
            wait_until(lambda: job.renewals() > renewals + 1)
            assert job.row.crashes == 0
        job.let_go()
        job.check_done(runs=1)
        assert job.row.worker_id.startswith("owner-")

    def test_without_leases_its_body_is_stopped_before_a_rival_begins(start_on, tmp_path):
        owner, file = start_on("plain", "--name", "owner"), str(tmp_path / "record")
        until_cancelled.using(backend="plain").enqueue(file, False, False)
        wait_until(lambda: notes(file, "start"), 20)
        start_on("plain", "--name", "rival").wait_started()

        with no_heartbeat(owner):
            wait_until(lambda: len(notes(file, "start")) == 2, 20)
            told, (_, begun_again) = notes(file, "told"), notes(file, "start")
        assert [note.at < begun_again.at for note in told] == [True]
        # By the worker itself, before anybody took the job from it.
        assert " is told to stop: lease lost." in owner.output
        open_gate(file)
        wait_until(Entry.objects.exists, 20)
        assert Entry.objects.get().note == "late"
