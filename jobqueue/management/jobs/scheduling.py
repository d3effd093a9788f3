"""The verb for schedules: which there are and when they come next; to run one now, pause and resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from ... import schedules
from ...database import alias
from ...errors import InvalidSchedule, UnknownSchedule
from ...models import Schedule
from ...planning import declared
from ..telling import shown_arguments, table
from .verbs import Answer, Verbs

_COMING = 5
_VERBS = ("list", "run", "pause", "resume")


def add(verbs: Verbs) -> None:
    """Declare it."""
    parser = verbs.add("schedules", "Schedules and when they come next; run, pause and resume them.", _schedules)
    parser.add_argument("deed", nargs="?", choices=_VERBS, default="list", help=f"One of {', '.join(_VERBS)}.")
    parser.add_argument("names", nargs="*", metavar="name", help="The name of a schedule.")


def _schedules(options: dict[str, Any]) -> Answer:
    deed, names = options["deed"], options["names"]
    if deed == "list":
        return _list(names)
    if not names:
        raise CommandError(f"Name the schedules to {deed}: `jobs schedules` lists them.", returncode=2)
    try:
        for name in names:
            schedules.find(name)  # All or none, as far as names go.
        return {"run": _run, "pause": _pause, "resume": _resume}[deed](names)
    except UnknownSchedule as error:
        raise CommandError(str(error), returncode=2) from error


def _list(names: list[str]) -> Answer:
    rows = Schedule.objects.using(alias()).order_by("name")
    try:
        found = [_told(schedules.find(name)) for name in names] if names else [_told(row) for row in rows]
    except UnknownSchedule as error:
        raise CommandError(str(error), returncode=2) from error
    lines = [[it["name"], it["when"], _state(it), _clock(it), it["call"]] for it in found]
    return Answer(found, table(["name", "when", "state", "next", "job"], lines) or "No schedules.")


def _run(names: list[str]) -> Answer:
    made = {}
    for name in names:
        try:
            made[name] = schedules.run_now(name).id
        except InvalidSchedule as error:
            done = f" {', '.join(made)} was run." if made else ""
            raise CommandError(f"{name} cannot be run: {error}{done}") from error
    return Answer({"run": made}, "\n".join(f"{name} is run: job {job_id}." for name, job_id in made.items()))


def _pause(names: list[str]) -> Answer:
    return _set(names, "paused", schedules.pause)


def _resume(names: list[str]) -> Answer:
    return _set(names, "resumed", schedules.resume)


def _set(names: list[str], word: str, act: Callable[[str], bool]) -> Answer:
    for name in names:
        act(name)
    return Answer({word: names}, "\n".join(f"{name} is {word}." for name in names))


def _told(row: Schedule) -> dict[str, Any]:
    """Return what is told of a schedule."""
    return {
        "name": row.name,
        "task": row.task_path,
        "call": f"{row.task_path}{shown_arguments(row.task_path, row.arguments, row.pk)}",
        "when": row.rhythm,
        "time_zone": row.time_zone,
        "paused": row.paused,
        "declared": row.declared,
        "undeclared": row.declared and row.name not in declared(),
        "missed": row.missed,
        "fault": row.fault,
        "last_run_at": row.last_run_at.isoformat() if row.last_run_at else None,
        "last_job": str(row.last_job_id) if row.last_job_id else None,
        "next": [moment.isoformat() for moment in row.coming(_COMING)],
    }


def _state(told: dict[str, Any]) -> str:
    if told["paused"]:
        return "paused"
    if told["undeclared"]:
        return "declared no longer"
    return "FAULT" if told["fault"] else "on"


def _clock(told: dict[str, Any]) -> str:
    """Return the next tick as people of its time zone read it."""
    if not told["next"]:
        return ""
    return f"{told['next'][0].replace('T', ' ')[:19]} {told['time_zone']}"
