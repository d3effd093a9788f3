"""What a drill has found about a job, or several of a kind: what was counted, and what is wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import record
from .fault import Fault
from .scene import Case, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. `seconds` is what it took to recover, infinite when it never did; `wrong` says what is.

    `refused` counts late writes that the database refused; `ended` says that a run that was late ended by itself.
    """

    fault: str
    title: str
    job: str
    runs: int
    renewals: int
    refused: int
    ended: bool
    seconds: float | None
    expected: int
    counted: int
    wrong: list[str]


def rows(name: str, fault: Fault, scene: Scene, *, judge_all: bool) -> Iterator[Row]:
    """Return what was found about each of the jobs of a fault."""
    for case in scene.cases:
        row = Row(
            fault=name,
            title=fault.title,
            job=case.label,
            runs=len(record.events("start", case.counter)),
            renewals=scene.queue.renewals(case.counter),
            refused=scene.queue.refused(case.counter),
            ended=case.ended,
            seconds=case.recovery,
            expected=case.expected,
            counted=case.found,
            wrong=[],
        )
        if row.counted != row.expected:
            row.wrong.append(f"counter is {row.counted}")
        if judge_all:
            row.wrong.extend(_broken_promises(fault, scene, case, row))
        yield row


def _broken_promises(fault: Fault, scene: Scene, case: Case, row: Row) -> Iterator[str]:
    runs = fault.runs if case.runs is None else case.runs
    if row.runs != runs:
        yield f"begun {row.runs} times instead of {runs}"
    if row.renewals < fault.renewals:
        yield f"its lease was renewed {row.renewals} times, at least {fault.renewals} were due"
    if fault.late and not row.refused and not row.ended:
        yield "a late run was neither refused its write nor ended"
    if fault.within and case.recovery is not None and case.recovery > (limit := fault.within(scene.lease)):
        yield f"recovery took longer than {limit:g} s"
    if not case.over:
        yield "the job did not end"
