"""What each statement costs the database, and each call Redis: what the simulation of a fleet reckons with."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from ..environment import ROOT
from ..place import Place
from ..plan import Plan
from ..processes import Stuck


def costs(place: Place, plan: Plan) -> dict[str, Any]:
    """Return, for each verb, the milliseconds of processor time and of waiting, and the bytes of WAL."""
    place.clear()
    env = {**place.env, "BENCH_REDIS_PID": str(place.servers.get("redis", ""))}
    # In a process of its own: it needs the queue's settings, which this one must not load.
    done = subprocess.run(
        [place.python, "-m", "benchmarks.statements", str(plan.jobs(300))],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    place.clear()
    if done.returncode:
        raise Stuck(f"Measuring statements failed:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
