"""The router of docs/databases.md: jobs are on "jobs", and the ledger is on both."""

from __future__ import annotations

from typing import Any


class Router:
    """Sends jobqueue to "jobs", and leaves all else to Django."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return where rows are read."""
        return "jobs" if model._meta.app_label == "jobqueue" else None

    db_for_write = db_for_read
