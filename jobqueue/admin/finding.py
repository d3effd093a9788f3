"""Search for jobs through indexes alone, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from ..database import alias
from ..ledger import enqueue_scope
from ..models import LedgerEntry
from .filters import known_paths


def find_jobs(queryset: Any, text: str, *, also: Iterable[UUID] = ()) -> Any:
    """Return the jobs with that id, that idempotency key, or a task whose path has that text in it; and some more.

    Part of a path is looked for among the paths that are known, a path that is known no longer only as a whole. Keys
    are looked up in the ledger, which has an index of them.
    """
    if job_id := as_uuid(text):
        return queryset.filter(pk=job_id)
    known = known_paths()
    named = [path for path in known if text.casefold() in path.casefold()]
    scopes = [enqueue_scope(path) for path in known]
    entries = LedgerEntry.objects.using(alias()).filter(scope__in=scopes, key=text)
    keyed = list(entries.values_list("job_id", flat=True))
    return queryset.filter(Q(task_path__in=[*named, text]) | Q(pk__in=[*keyed, *also]))


def as_uuid(text: str) -> UUID | None:
    """Return the id that a text is, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
