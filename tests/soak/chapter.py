"""One chapter: load and workers, faults, peace, verdict."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection

from jobqueue import schedules
from tests.processes import ROOT
from tests.proxy import Proxy
from tests.redis_server import OwnRedis
from tests.waiting import wait_until

from . import history, models, outcome, outside
from .campaign import Campaign
from .crew import Crew
from .evidence import evidence
from .faults import possible
from .faults.fault import Scene
from .kinds import COUNTERS, SCHEDULE
from .operators import Operators
from .plan import Plan
from .servers import Server
from .watch import Watch

_START_SECONDS = 60.0
_PEACE_SECONDS = 90.0


def live(plan: Plan, redis: OwnRedis, server: Server | None) -> dict[str, Any]:
    """Live through a chapter and return what there is to say of it."""
    _prepare(plan)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        scene = _build(plan, redis, server, stack)
        load = _start_load(scene)
        stack.callback(load.kill)
        operators = Operators(plan, scene.watch)
        kinds = plan.faults or possible(connection.vendor)
        campaign = Campaign(scene, kinds, called_for=lambda: outcome.called_for(scene))
        wait_until(scene.all_beat, _START_SECONDS)
        operators.start()
        campaign.run()
        operators.stop()
        load.terminate()
        load.wait(_START_SECONDS)
        peace = _await_peace(scene)
        open_ends = scene.watch.open_ends()
        known = evidence(open_ends, scene.crew.processes(), Path(plan.directory)) if open_ends else []
        left = scene.crew.end()
        scene.watch.stop()
        connection.close()  # The server may have been another one since it was opened.
        scene.watch.look()
        found = outcome.conclude(scene, campaign, operators)
        found["wrong"] += [f"left over: {process}" for process in left]
        return {**found, "evidence": known, "peace_seconds": peace, "seconds": time.monotonic() - began}


def _prepare(plan: Plan) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    models.Counter.objects.bulk_create(models.Counter(id=number) for number in range(COUNTERS))
    history.directory().mkdir()
    outside.directory().mkdir()


def _build(plan: Plan, redis: OwnRedis, server: Server | None, stack: contextlib.ExitStack) -> Scene:
    redis_way = stack.enter_context(Proxy(redis.url))
    # What a killed worker cannot remove is removed with the directory.
    env = {**plan.environment(), "REDIS_URL": redis_way.url, "TMPDIR": plan.directory}
    database_way = None
    if server is not None:
        database_way = stack.enter_context(Proxy(server.url))
        env["DATABASE_URL"] = database_way.url
    crew = Crew(plan, env)
    stack.callback(crew.end)
    watch = Watch(crew.alive)
    watch.start()
    stack.callback(watch.stop)
    return Scene(
        plan=plan, env=env, crew=crew, watch=watch, redis=redis, redis_way=redis_way, server=server,
        database_way=database_way,
    )  # fmt: skip


def _start_load(scene: Scene) -> subprocess.Popen[bytes]:
    with (Path(scene.plan.directory) / "load.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.soak.load"],
            cwd=ROOT,
            env={**os.environ, **scene.env},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _await_peace(scene: Scene) -> float:
    """Undo whatever a fault may have left, and wait until every job has ended; return how long that took."""
    began = time.monotonic()
    scene.redis_way.heal()
    if scene.database_way is not None:
        scene.database_way.heal()
    for slot in scene.crew.slots:
        slot.thaw()
    if not scene.plan.unfenced:
        wait_until(_pause_schedule, _PEACE_SECONDS)
    looks = scene.watch.looks
    with contextlib.suppress(AssertionError):  # What has not ended by then is lost.
        wait_until(lambda: scene.watch.looks > looks + 2 and not scene.watch.open_ends(), _PEACE_SECONDS, every=0.3)
    return time.monotonic() - began


def _pause_schedule() -> bool:
    """Have no more ticks, once the database is there again."""
    try:
        schedules.pause(SCHEDULE)
    except (DatabaseError, InterfaceError):
        connection.close()
        return False
    return True
