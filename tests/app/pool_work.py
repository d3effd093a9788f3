"""What a body has done by processes of its own, which begin without Django when they are not forks."""

from __future__ import annotations

import django


def write(number: int) -> int:
    """Write a line by a connection of this process."""
    django.setup()
    from tests.app.models import Entry  # There are no models before Django is set up.

    Entry.objects.create(note=f"process {number}")
    return number
