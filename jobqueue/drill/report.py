"""What a drill has found: one line for each job, and what is wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from . import record
from .faults import Fault
from .scene import Case, Scene

_LINE = "{:<26}{:<9}{:>5}{:>10}{:>9}{:>10}{:>10}{:>7}   {}"
HEADER = (
    _LINE.format("", "", "runs", "lease", "writes", "to", "counter", "", "").rstrip()
    + "\n"
    + _LINE.format("fault", "job", "begun", "renewals", "refused", "recover", "expected", "found", "")
).rstrip()


def lines(fault: Fault, scene: Scene, *, judge_all: bool) -> Iterator[tuple[str, bool]]:
    """Return a line for each job of a fault, and whether all is right with it."""
    for case in scene.cases:
        runs = len(record.events("start", case.counter))
        renewals, refused = scene.queue.renewals(case.counter), scene.queue.refused(case.counter)
        found = case.found
        wrong = [] if found == case.expected else [f"counter is {found}"]
        if judge_all:
            wrong += _broken_promises(fault, scene, case, runs=runs, renewals=renewals, refused=refused)
        yield (
            _LINE.format(
                fault.title if case is scene.cases[0] else "",
                case.label,
                runs,
                renewals or "–",
                refused or "–",
                _seconds(case.recovery),
                case.expected,
                found,
                f"WRONG: {', '.join(wrong)}" if wrong else "right",
            ),
            not wrong,
        )


def not_applicable(fault: Fault) -> str:
    """Return the line of a fault that cannot happen on these settings."""
    return f"{fault.title:<26}does not apply: OPTIONS['REDIS'] is None"


def _broken_promises(
    fault: Fault, scene: Scene, case: Case, *, runs: int, renewals: int, refused: int
) -> Iterator[str]:
    if runs != fault.runs:
        yield f"begun {runs} times instead of {fault.runs}"
    if renewals < fault.renewals:
        yield f"its lease was renewed {renewals} times, at least {fault.renewals} were due"
    if refused < fault.refused:
        yield "no late write was refused"
    if fault.within and case.recovery is not None and case.recovery > (limit := fault.within(scene.lease)):
        yield f"recovery took longer than {limit:g} s"
    if not case.over:
        yield "the job did not end"


def _seconds(recovery: float | None) -> str:
    if recovery is None:
        return "–"
    return "never" if isinf(recovery) else f"{recovery:.2f}"
