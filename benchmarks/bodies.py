"""What the tasks do: the same functions in every queue. Each ends by counting itself in the tally."""

from __future__ import annotations

import os
import time

from . import tally


def noop() -> None:
    """Do nothing but be counted."""
    tally.count()


def bump() -> None:
    """Raise the one counter in the database, with Django's ORM."""
    from django.db.models import F  # Not every queue has set Django up when it imports its tasks.

    from .app.models import Counter

    Counter.objects.filter(pk=1).update(value=F("value") + 1)
    tally.count()


def stamp(sent: float) -> None:
    """Note the seconds since `sent`, a reading of the monotonic clock, which processes of a machine share."""
    tally.note(time.monotonic() - sent)
    tally.count()


def snooze(seconds: float) -> None:
    """Keep whoever runs this busy, so that the next job goes to another."""
    time.sleep(seconds)
    tally.count()


def die() -> None:
    """End the process that runs this, as a crash would."""
    os._exit(1)


BODIES = {"noop": noop, "bump": bump, "stamp": stamp, "snooze": snooze}
