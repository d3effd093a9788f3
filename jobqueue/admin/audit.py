"""The admin's log: who pressed what. It is written in the transaction of the deed: neither is without the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry


def write_down(user: Any, row: Any, message: str, *, flag: int = CHANGE) -> None:
    """Write into the admin's log what a user did to a row."""
    LogEntry.objects.log_actions(user.pk, [row], flag, message, single_object=True)


def write_down_many(user: Any, rows: Sequence[Any], message: str, *, flag: int = CHANGE) -> None:
    """Write into the admin's log what a user did to rows of one table: a line for each, in one statement.

    As Django does it where it deletes many: nobody is sent the signals of these lines.
    """
    if rows:
        LogEntry.objects.log_actions(user.pk, rows, flag, message)
