"""Search for jobs by an argument: ``order_id=42`` or, whichever it is, ``arg:42``.

No index has arguments, and the three databases look into JSON each in its own way. So the newest jobs are read, the
beginning of each, and looked at here: a known number of them, whatever was asked for. What is sensitive is not looked
at, so that no search can tell it.
"""

from __future__ import annotations

import json
import re
import time
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import TextField
from django.db.models.functions import Cast, Left
from django.utils.translation import gettext as _

from .calls import arguments_in
from .numbers import number
from .tasks import task_of

# How many jobs are read, the newest first, and how many characters of each.
NEWEST = 10_000
_READ = 500
_LOT = 2500
_MOST_FOUND = 1000
_SECONDS = 2.0
_WANTED = re.compile(r"(?:(?P<name>[^\W\d]\w*)=|arg:)(?P<value>.*)", re.DOTALL)


class Wanted(NamedTuple):
    """An argument of a name, or of any, that is one of these values."""

    name: str | None
    values: tuple[Any, ...]


def wanted_in(text: str) -> Wanted | None:
    """Return the argument that a text asks for, None when it asks for none."""
    match = _WANTED.fullmatch(text)
    if match is None:
        return None
    value = match["value"].strip()
    try:
        return Wanted(match["name"], (value, json.loads(value)))
    except (ValueError, RecursionError):
        return Wanted(match["name"], (value,))


def jobs_with(queryset: Any, wanted: Wanted) -> list[UUID]:
    """Return the newest of some jobs that have such an argument, as far as it is looked."""
    beginning = Left(Cast("arguments", TextField()), _READ)
    rows = queryset.order_by("-pk").annotate(arguments_begin=beginning)
    known, found, until = cache(task_of), list[UUID](), time.monotonic() + _SECONDS
    for first in range(0, NEWEST, _LOT):
        # The database reads the whole of what it gives the beginning of, and that may be large.
        lot = rows.values_list("pk", "task_path", "arguments_begin")[first : min(first + _LOT, NEWEST)]
        for job_id, path, text in lot:
            task = known(path)
            if task is not None and _has(wanted, arguments_in(task, text or "")):
                found.append(job_id)
        if len(found) >= _MOST_FOUND or time.monotonic() > until:
            break
    return found[:_MOST_FOUND]


def how_far() -> str:
    """Return what is to be known of such a search."""
    return _(
        "Arguments are looked for in the newest %(count)s jobs that match the filters, or as many as can be read in "
        "%(seconds)s seconds, in the first %(size)s characters of each; those of tasks that this process does not "
        "know, and what is sensitive, are not looked at."
    ) % {"count": number(NEWEST), "seconds": number(_SECONDS), "size": number(_READ)}


def _has(wanted: Wanted, arguments: Any) -> bool:
    return any(_same(value, it) for name, value in arguments if wanted.name in (None, name) for it in wanted.values)


def _same(value: Any, wanted: Any) -> bool:
    # In Python, True is 1.
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)
