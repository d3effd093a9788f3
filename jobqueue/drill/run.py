"""Runs the faults of a plan, one after the other, and prints the table."""

from __future__ import annotations

from contextlib import ExitStack

from django.db import connection

from . import house, report
from .faults import FAULTS
from .plan import Plan
from .queues import JobQueue, NaiveQueue, Queue
from .scene import Scene

_NAIVELY_WRONG = """\
Wrong counters, as was to be expected of this design: a lock that expires by itself does not wait for the work, and
nothing refuses the writes of a run that has lost it. Without --naive, the same faults happen to jobqueue.\
"""


def run(plan: Plan) -> bool:
    """Hold the drill and return whether everything was right; raises DrillFailed when it cannot be held."""
    with ExitStack() as made:
        made.enter_context(house.directory())
        made.enter_context(house.database())
        made.enter_context(house.keys())
        queue: Queue = NaiveQueue(plan.lease_seconds) if plan.naive else JobQueue(plan.lease_seconds)
        print(_introduction(plan), report.HEADER, sep="\n\n", flush=True)
        wrong = [logs for logs in (_what_went_wrong(name, queue, plan) for name in plan.faults) if logs is not None]
    print()
    if not plan.naive:
        print(*wrong, sep="\n\n", end="\n\n" if wrong else "")
    print(_conclusion(plan, right=not wrong), flush=True)
    return not wrong


def _what_went_wrong(name: str, queue: Queue, plan: Plan) -> str | None:
    """Have a fault happen, print its lines, and return what the workers wrote if something was wrong."""
    fault = FAULTS[name]
    if fault.needs_redis and house.backend().settings.redis is None:
        print(report.not_applicable(fault), flush=True)
        return None
    right = True
    with Scene(name, queue, plan) as scene:
        fault.happen(scene)
        for line, is_right in report.lines(fault, scene, judge_all=not plan.naive):
            print(line, flush=True)
            right = right and is_right
        return None if right else f"-- What the workers wrote: {fault.title}\n{scene.logs()}"


def _introduction(plan: Plan) -> str:
    queue, period = ("A naive queue", "lock") if plan.naive else ("jobqueue", "lease")
    redis = house.backend().settings.redis
    where = f"{connection.display_name} and {'Redis' if redis else 'no Redis'}"
    own = f"database {plan.name}{f', keys {plan.key_prefix}:*' if redis else ''}"
    return f"{queue} on {where}, with a {period} of {plan.lease_seconds:g} s.\nThe drill's own: {own}"


def _conclusion(plan: Plan, *, right: bool) -> str:
    if right:
        return "All is right." if not plan.naive else "Right, as luck would have it, or as other faults were left out."
    return _NAIVELY_WRONG if plan.naive else "WRONG: see above."
