"""How a drill tells what it has found: a table for people that grows line by line, or one JSON document."""

from __future__ import annotations

import json
from math import isinf
from typing import Any, Protocol, override

from django.db import connection

from . import house
from .fault import Fault
from .plan import Plan
from .row import Row


class Report(Protocol):
    """Hears of everything as it comes."""

    def begin(self, plan: Plan) -> None:
        """The drill begins."""

    def add(self, row: Row) -> None:
        """Something was found."""

    def leave_out(self, name: str, fault: Fault) -> None:
        """A fault cannot happen on these settings."""

    def end(self, plan: Plan, logs: dict[str, str]) -> None:
        """It is over; the logs are what the workers wrote in the faults in which something was wrong, by title."""


_LINE = "{:<26}{:<10}{:>5}{:>10}{:>9}{:>10}{:>10}{:>7}   {}"
_HEADER = (
    _LINE.format("", "", "runs", "lease", "writes", "to", "counter", "", "").rstrip()
    + "\n"
    + _LINE.format("fault", "job", "begun", "renewals", "refused", "recover", "expected", "found", "")
).rstrip()
_NAIVELY_WRONG = """\
Wrong counters, as was to be expected of this design: a lock that expires by itself does not wait for the work, and
nothing refuses the writes of a run that has lost it. Without --naive, the same faults happen to jobqueue.\
"""


class Table(Report):
    """Prints a line for each row."""

    def __init__(self) -> None:
        self._last = ""

    @override
    def begin(self, plan: Plan) -> None:
        queue, period = ("A naive queue", "lock") if plan.naive else ("jobqueue", "lease")
        redis = house.backend().settings.redis
        where = f"{connection.display_name} and {'Redis' if redis else 'no Redis'}"
        own = f"database {plan.name}{f', keys {plan.key_prefix}:*' if redis else ''}"
        print(f"{queue} on {where}, with a {period} of {plan.lease_seconds:g} s.\nThe drill's own: {own}\n")
        print(_HEADER, flush=True)

    @override
    def add(self, row: Row) -> None:
        title = row.title if row.title != self._last else ""
        self._last = row.title
        verdict = f"WRONG: {', '.join(row.wrong)}" if row.wrong else "right"
        refused = row.refused or ("ended" if row.ended else "–")
        counts = (row.runs, row.renewals or "–", refused, _seconds(row.seconds), row.expected, row.counted)
        print(_LINE.format(title, row.job, *counts, verdict), flush=True)

    @override
    def leave_out(self, name: str, fault: Fault) -> None:
        print(f"{fault.title:<26}does not apply: OPTIONS['REDIS'] is None", flush=True)

    @override
    def end(self, plan: Plan, logs: dict[str, str]) -> None:
        print()
        if not plan.naive:
            for title, log in logs.items():
                print(f"-- What the workers wrote: {title}\n{log}\n")
        print(_conclusion(plan, right=not logs), flush=True)


class Document(Report):
    """Prints one JSON document in the end, and nothing before."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._left_out: list[str] = []
        self._where: dict[str, Any] = {}

    @override
    def begin(self, plan: Plan) -> None:
        # In the end there is no database left to ask what it is.
        self._where = {
            "queue": "naive" if plan.naive else "jobqueue",
            "database": connection.display_name,
            "redis": house.backend().settings.redis is not None,
            "lease": plan.lease_seconds,
            "own": {"database": plan.name, "keys": f"{plan.key_prefix}:*"},
        }

    @override
    def add(self, row: Row) -> None:
        self._rows.append(
            {
                "fault": row.fault,
                "job": row.job,
                "expected": row.expected,
                "counted": row.counted,
                "ok": not row.wrong,
                # JSON has no infinity: what never recovered is among what is wrong.
                "seconds": None if row.seconds is None or isinf(row.seconds) else round(row.seconds, 3),
                "evidence": {
                    "runs": row.runs,
                    "renewals": row.renewals,
                    "refused_writes": row.refused,
                    "late_run_ended": row.ended,
                    "wrong": row.wrong,
                },
            }
        )

    @override
    def leave_out(self, name: str, fault: Fault) -> None:
        self._left_out.append(name)

    @override
    def end(self, plan: Plan, logs: dict[str, str]) -> None:
        found = {"ok": not logs, "rows": self._rows, "left_out": self._left_out, "logs": logs}
        print(json.dumps({**self._where, **found}, indent=2), flush=True)


def _conclusion(plan: Plan, *, right: bool) -> str:
    if right:
        return "All is right." if not plan.naive else "Right, as luck would have it, or as other faults were left out."
    return _NAIVELY_WRONG if plan.naive else "WRONG: see above."


def _seconds(recovery: float | None) -> str:
    if recovery is None:
        return "–"
    return "never" if isinf(recovery) else f"{recovery:.2f}"
