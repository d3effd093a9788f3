"""Dead is who lost both witnesses, and whose heartbeat stood still between two looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import connection
from django.db.models import F
from django.tasks import TaskResultStatus, task_backends

from jobqueue import lifecycle
from jobqueue.backend import JobQueueBackend
from jobqueue.database import DatabaseNow
from jobqueue.leases import Leases, leases_of
from jobqueue.models import Worker
from jobqueue.worker.keeper import Keeper
from tests import rows
from tests.waiting import wait_until

LEASE = 2.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leases() -> Leases:
    found = cast(JobQueueBackend, task_backends["default"]).leases()
    assert found is not None
    found.forget_all()
    return found


def keeper(leases: Leases | None, woken: list[bool], **changes: Any) -> Keeper:
    options = cast(JobQueueBackend, task_backends["default"]).settings
    return Keeper("default", "me", leases, options, woken=lambda: woken.append(True))


def ticking(keeper_: Keeper, done: Callable[[], bool]) -> Callable[[], bool]:
    def tick() -> bool:
        keeper_.tick()
        return done()

    return tick


def test_a_job_without_any_witness_is_rescued_but_not_at_the_first_look(leases: Leases) -> None:
    woken: list[bool] = []
    rows.worker("w-1", beat_ago=60)
    claim = rows.claimed("w-1")
    keeper_ = keeper(leases, woken)
    keeper_.tick()
    assert rows.job(claim.job_id).status == TaskResultStatus.RUNNING
    wait_until(ticking(keeper_, lambda: rows.job(claim.job_id).status == TaskResultStatus.READY), 10)
    assert woken
    assert rows.job(claim.job_id).crashes == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite has one lock for all.")
def test_while_somebody_keeps_sqlite_locked_nobody_is_condemned() -> None:
    """Who could not write its heartbeat trusts itself for most of a lease from then on."""
    rows.worker("w-1", beat_ago=60)
    claim = rows.claimed("w-1")
    keeper_ = keeper(None, [])
    keeper_.tick()
    somebody = connection.copy()
    somebody.cursor().execute("BEGIN IMMEDIATE")
    locked_at = time.monotonic()
    keeper_.tick()
    somebody.close()
    wait_until(ticking(keeper_, lambda: rows.job(claim.job_id).status == TaskResultStatus.READY), 10)
    assert time.monotonic() - locked_at >= LEASE  # The stillness of the heartbeat alone takes half a lease.


def test_a_lease_alone_keeps_its_holder_alive(leases: Leases) -> None:
    rows.worker("w-1", beat_ago=60)
    leased, naked = rows.claimed("w-1"), rows.claimed("w-1")
    keeper_ = keeper(leases, [])

    def renewed_and_other_rescued() -> bool:
        leases.acquire([leased.fence], "w-1")
        keeper_.tick()
        return rows.job(naked.job_id).status == TaskResultStatus.READY

    wait_until(renewed_and_other_rescued, 10)
    assert rows.job(leased.job_id).status == TaskResultStatus.RUNNING


def test_a_lease_that_is_longer_than_ones_own_keeps_its_holder_alive(leases: Leases) -> None:
    """A deploy has made leases shorter, and the workers of before are still there."""
    options = cast(JobQueueBackend, task_backends["default"]).settings
    theirs = leases_of(replace(options, lease_seconds=4 * LEASE))
    assert theirs is not None
    rows.worker("w-1", lease=4 * LEASE, beat_ago=60)
    leased, naked = rows.claimed("w-1"), rows.claimed("w-1")
    keeper_ = keeper(leases, [])

    def renewed_and_other_rescued() -> bool:
        theirs.acquire([leased.fence], "w-1")
        keeper_.tick()
        return rows.job(naked.job_id).status == TaskResultStatus.READY

    wait_until(renewed_and_other_rescued, 20)
    assert rows.job(leased.job_id).status == TaskResultStatus.RUNNING


def test_a_heartbeat_alone_keeps_its_worker_alive(leases: Leases) -> None:
    rows.worker("alive", lease=LEASE)
    rows.worker("dead", beat_ago=60)
    beating, silent = rows.claimed("alive"), rows.claimed("dead")
    keeper_ = keeper(leases, [])

    def beaten_and_other_rescued() -> bool:
        Worker.objects.filter(pk="alive").update(heartbeat_at=DatabaseNow())
        keeper_.tick()
        return rows.job(silent.job_id).status == TaskResultStatus.READY

    wait_until(beaten_and_other_rescued, 10)
    assert rows.job(beating.job_id).status == TaskResultStatus.RUNNING


def test_a_heartbeat_that_looks_old_but_moves_is_alive() -> None:
    """The database's clock has jumped ahead: every heartbeat looks old until it is written anew."""
    rows.worker("moves", beat_ago=3600)
    rows.worker("stands", beat_ago=3600)
    moving, standing = rows.claimed("moves"), rows.claimed("stands")
    keeper_ = keeper(None, [])

    def beat_and_tick() -> bool:
        Worker.objects.filter(pk="moves").update(heartbeat_at=F("heartbeat_at") + timedelta(seconds=0.1))
        keeper_.tick()
        return rows.job(standing.job_id).status == TaskResultStatus.READY

    wait_until(beat_and_tick, 10)
    assert rows.job(moving.job_id).status == TaskResultStatus.RUNNING


def test_one_that_falls_silent_is_watched_before_its_lease_is_over() -> None:
    """Its job is rescued soon after, however long the lease: it need not stand still for half a lease more."""
    rows.worker("w-1", beat_ago=0.55 * LEASE)
    claim = rows.claimed("w-1")
    keeper_, began = keeper(None, []), time.monotonic()
    wait_until(ticking(keeper_, lambda: rows.job(claim.job_id).status == TaskResultStatus.READY), 10)
    assert 0.5 * LEASE <= time.monotonic() - began < 0.9 * LEASE


def test_a_worker_that_said_that_it_stopped_is_not_waited_for() -> None:
    rows.worker("w-1", stopped=True)
    claim = rows.claimed("w-1")
    keeper(None, []).tick()
    assert rows.job(claim.job_id).status == TaskResultStatus.READY


def test_what_is_our_own_is_not_ours_to_rescue() -> None:
    rows.worker("me", stopped=True)
    claim = rows.claimed("me")
    keeper(None, []).tick()
    assert rows.job(claim.job_id).status == TaskResultStatus.RUNNING


def test_a_redis_that_is_out_of_reach_condemns_nobody_at_first(own_redis: Any, settings: Any) -> None:
    settings.CACHES = {"own": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    options = cast(JobQueueBackend, task_backends["default"]).settings
    rows.worker("w-1", stopped=True)
    claim = rows.claimed("w-1")
    own_redis.kill()
    keeper_ = keeper(Leases("own", options), [])
    keeper_.tick()
    assert rows.job(claim.job_id).status == TaskResultStatus.RUNNING
    # No lease outlives its period: after so long a silence the heartbeat alone decides.
    wait_until(ticking(keeper_, lambda: rows.job(claim.job_id).status == TaskResultStatus.READY), 10)


def test_a_redis_that_forgets_again_and_again_does_not_hide_the_dead_for_ever(leases: Leases) -> None:
    """Its memory never grows old enough to be believed; nor does that of one whose clock stands still."""
    rows.worker("w-1", stopped=True)
    claim = rows.claimed("w-1")
    keeper_, began = keeper(leases, []), time.monotonic()

    def forgotten_and_ticked() -> bool:
        leases.forget_all()
        keeper_.tick()
        return rows.job(claim.job_id).status == TaskResultStatus.READY

    wait_until(forgotten_and_ticked, 10)
    # Emptied once, it is waited for until every living owner has had the time to renew.
    assert time.monotonic() - began > LEASE


def test_all_running_jobs_are_read_once_a_minute_and_while_one_of_them_has_an_owner_without_a_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def orphans(backend: str, *, silent: Any, unknown: bool) -> list[lifecycle.Orphan]:
        asked.append(unknown)
        return found(backend, silent=silent, unknown=unknown)

    found = lifecycle.orphans
    monkeypatch.setattr(lifecycle, "orphans", orphans)
    keeper_ = keeper(None, [])
    claim = rows.claimed("never-seen")
    keeper_.tick()
    keeper_.tick()
    assert asked == [True, True]
    wait_until(ticking(keeper_, lambda: rows.job(claim.job_id).status == TaskResultStatus.READY), 10)
    asked.clear()
    for _ in range(3):
        keeper_.tick()
    assert asked == [True, False, False]
