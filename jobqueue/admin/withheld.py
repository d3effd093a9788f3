"""What of a row is not for everybody who may view it: payloads, that is arguments, results, steps, notes and errors.

Rows are marked where pages read them. Of one that is marked, `payloads` says only that there is something it does not
show; and an attempt that is marked has nothing in it that could be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..models import Attempt

_MARK = "is_withheld"


def may_view_payloads(request: HttpRequest) -> bool:
    """Return whether the user may view what jobs are given and what comes of them."""
    user: Any = request.user
    return bool(user.has_perm("jobqueue.view_payload_job"))


def mark_for[T](request: HttpRequest, rows: Iterable[T]) -> list[T]:
    """Return rows, marked unless the user may view payloads."""
    return list(rows) if may_view_payloads(request) else [_marked(row) for row in rows]


def mark_like[T](row: Any, others: Iterable[T]) -> list[T]:
    """Return other rows that belong to one, marked if that is."""
    return [_marked(other) for other in others] if is_withheld(row) else list(others)


def is_withheld(row: Any) -> bool:
    """Return whether nothing of the payload of a row is to be shown."""
    return bool(row.__dict__.get(_MARK, False))


def not_shown() -> str:
    """Return what is told instead of it."""
    return _("Not shown: you may not view payloads.")


def _marked[T](row: T) -> T:
    row.__dict__[_MARK] = True
    if isinstance(row, Attempt):
        # The list does not read it at all.
        row.traceback = not_shown() if row.__dict__.get("traceback") else ""
        row.progress = _numbers(row.progress)
    return row


def _numbers(progress: Any) -> Any:
    """Return how far a job says it is, without its words."""
    if not isinstance(progress, dict):
        return None
    told = {key: progress[key] for key in ("done", "total") if isinstance(progress.get(key), int | float)}
    return told or None
