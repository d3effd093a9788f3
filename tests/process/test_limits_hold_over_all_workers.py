"""No more jobs of a key at once than its limit, no faster than its rate: over all workers, whatever becomes of them."""

import signal
from itertools import pairwise
from pathlib import Path

from jobqueue.models import Attempt, Job
from tests.app.limited_tasks import count_in, hold_alone, tick
from tests.app.record import notes, open_gate
from tests.waiting import wait_until

LEASE = 2.0
# The moments are the database's, and told in milliseconds by SQLite.
MILLISECOND = 0.001


def most_at_once(file):
    """Return how many bodies were between their begin and their end at most, as they wrote it down themselves."""
    running, most = 0, 0
    for line in Path(file).read_text().splitlines():
        running += 1 if line.startswith("begin") else -1
        most = max(most, running)
    return most


def all_done():
    return not Job.objects.exclude(status="SUCCESSFUL").exists()


def test_never_more_at_once_than_the_limit(start_on, backend_alias, tmp_path):
    file = str(tmp_path / "record")
    count_in.using(backend=backend_alias).enqueue_many([((file, 0.1), {}) for _ in range(20)])
    for name in ("one", "two", "three"):
        start_on(backend_alias, "--name", name, concurrency=2)
    wait_until(all_done, 60)
    assert len(notes(file, "begin")) == len(notes(file, "end")) == 20
    assert most_at_once(file) == 2


def test_a_killed_worker_keeps_its_slot_until_its_job_is_rescued(start_on, backend_alias, tmp_path):
    victim = start_on(backend_alias, "--name", "victim")
    file = str(tmp_path / "first")
    first = hold_alone.using(backend=backend_alias).enqueue(0, file)
    wait_until(lambda: notes(file, "start"), 20)
    second = hold_alone.using(backend=backend_alias).enqueue(0, str(tmp_path / "second"), 0.0)
    start_on(backend_alias, "--name", "rescuer", concurrency=2).wait_started()

    victim.signal_group(signal.SIGKILL)
    open_gate(file)
    wait_until(all_done, 30)
    lost = Attempt.objects.get(job_id=first.id, number=1)
    assert lost.outcome == "lost"
    rows = sorted(Job.objects.all(), key=lambda job: job.started_at)
    assert [row.attempt for row in rows if str(row.pk) == second.id] == [1]
    assert rows[0].started_at >= lost.ended_at
    assert rows[1].started_at >= rows[0].finished_at


def test_a_job_that_outlives_many_leases_keeps_its_slot(start_on, backend_alias, tmp_path):
    start_on(backend_alias, "--name", "owner")
    file, other = str(tmp_path / "first"), str(tmp_path / "second")
    first = hold_alone.using(backend=backend_alias).enqueue(0, file, 3 * LEASE)
    wait_until(lambda: notes(file, "start"), 20)
    second = hold_alone.using(backend=backend_alias).enqueue(0, other, 0.0)
    start_on(backend_alias, "--name", "rival", concurrency=2)
    wait_until(all_done, 30)
    rows = Job.objects.in_bulk()
    (long,) = (row for row in rows.values() if str(row.pk) == first.id)
    (waited,) = (row for row in rows.values() if str(row.pk) == second.id)
    assert (long.attempt, waited.attempt) == (1, 1)
    assert (long.finished_at - long.started_at).total_seconds() >= 3 * LEASE
    assert waited.started_at >= long.finished_at


def test_the_moments_are_as_far_apart_as_the_rate_says(start_on, backend_alias, tmp_path):
    file = str(tmp_path / "record")
    for name in ("one", "two"):
        start_on(backend_alias, "--name", name, concurrency=2).wait_started()
    tick.using(backend=backend_alias).enqueue_many([((file,), {}) for _ in range(8)])
    tick.using(backend=backend_alias).enqueue(file)
    wait_until(all_done, 30)
    moments = sorted(Job.objects.values_list("started_at", flat=True))
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert len(notes(file, "begin")) == 9
    assert min(gaps) >= 0.2 - MILLISECOND
    # And no slower than a busy machine makes it.
    assert sum(gaps) < 9 * 0.2 + 5
