"""What the processes of the sweep do: `python -m tests.aliases.deeds DEED`, on the settings of this folder."""

from __future__ import annotations

import sys

import django


def enqueue() -> None:
    """Enqueue a job in a transaction on another database, with a line of the caller's own."""
    from django.db import transaction

    from tests.app.models import Entry
    from tests.app.tasks import echo

    with transaction.atomic():
        Entry.objects.create(note="of the caller")
        echo.using(backend="plain").enqueue_on_commit(7)


def judge() -> None:
    """Judge what waits for a COMMIT."""
    from jobqueue.worker import judge as judging

    judging._AFTER = -judging._AFTER
    judging.Judge().tick()


if __name__ == "__main__":
    django.setup()
    globals()[sys.argv[1]]()
