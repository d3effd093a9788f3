"""The gate before a job that is READY: which one it comes to first, and which one is left when another opens."""

from __future__ import annotations

from django.db.models import Case, Value, When

from ..models import Gate


def gate_of(limit_key: str) -> str:
    """Return the gate of a job that has nothing to wait for but its limit, if it has one."""
    return str(Gate.LIMIT.value if limit_key else Gate.OPEN.value)


def _unless_it_waits_for_a_commit(*cases: When, default: Gate) -> Case:
    # Whether such a job exists at all is still for a COMMIT elsewhere to say.
    return Case(When(gate=Gate.COMMIT, then=Value(Gate.COMMIT)), *cases, default=Value(default))


def gate_again() -> Case:
    """Return, for an UPDATE of jobs that are READY again, that of their limit, or none."""
    return _unless_it_waits_for_a_commit(When(limit_key="", then=Value(Gate.OPEN)), default=Gate.LIMIT)


def gate_left() -> Case:
    """Return, for an UPDATE of jobs that end unbegun, no gate."""
    return _unless_it_waits_for_a_commit(default=Gate.OPEN)


def gate_behind() -> Case:
    """Return, for an UPDATE of jobs whose gate opens, the gate that they come to next: that of their limit, or none."""
    return Case(When(limit_key="", then=Value(Gate.OPEN)), default=Value(Gate.LIMIT))
