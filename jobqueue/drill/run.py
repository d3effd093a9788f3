"""Runs the faults of a plan, one after the other."""

from __future__ import annotations

from contextlib import ExitStack

from . import house
from .faults import FAULTS
from .plan import Plan
from .queues import JobQueue, NaiveQueue, Queue
from .report import Document, Report, Table
from .row import rows
from .scene import Scene


def run(plan: Plan) -> bool:
    """Hold the drill and return whether everything was right; raises DrillFailed when it cannot be held."""
    report: Report = Document() if plan.json else Table()
    logs: dict[str, str] = {}
    with ExitStack() as made:
        made.enter_context(house.directory())
        made.enter_context(house.database())
        made.enter_context(house.keys())
        queue: Queue = NaiveQueue(plan.lease_seconds) if plan.naive else JobQueue(plan.lease_seconds)
        report.begin(plan)
        for name in plan.faults:
            _have_happen(name, queue, plan, report, logs)
    report.end(plan, logs)
    return not logs


def _have_happen(name: str, queue: Queue, plan: Plan, report: Report, logs: dict[str, str]) -> None:
    """Have a fault happen, report what is found, and keep what the workers wrote if something was wrong."""
    fault = FAULTS[name]
    if fault.needs_redis and house.backend().settings.redis is None:
        report.leave_out(name, fault)
        return
    with Scene(name, queue, plan) as scene:
        fault.happen(scene)
        found = list(rows(name, fault, scene, judge_all=not plan.naive))
        for row in found:
            report.add(row)
        if any(row.wrong for row in found):
            logs[fault.title] = scene.logs()
