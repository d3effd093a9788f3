"""Tasks whose bodies do what they must not, and swallow what the database says to that."""

from __future__ import annotations

import contextlib

from django.db import DatabaseError, connection
from django.tasks import task

from jobqueue.errors import UnfencedWrite
from tests.app.models import Entry


@task(effects="steps", max_attempts=1)
def write_outside_of_steps() -> None:
    """Write where only steps may."""
    with contextlib.suppress(UnfencedWrite):
        Entry.objects.create(note="outside")


@task(max_attempts=1)
def swallow_an_error() -> None:
    """Write, and go on as if nothing had been when a statement fails."""
    Entry.objects.create(note="before")
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense FROM nowhere")
