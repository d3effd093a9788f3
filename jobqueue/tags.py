"""For people who look for jobs: the tags that there are, and those of some jobs. Only reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db import connections

from .database import alias
from .models import Tag


def tags_of(job_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the tags of those of some jobs that have any, in order."""
    found: dict[UUID, list[str]] = defaultdict(list)
    rows = Tag.objects.using(alias()).filter(job_id__in=job_ids).order_by("name").values_list("job_id", "name")
    for job_id, name in rows if job_ids else ():
        found[job_id].append(name)
    return found


def known_tags(*, most: int) -> list[str]:
    """Return the first tags that any job has, in order: one look into an index for each, however many jobs have it."""
    least = f"SELECT MIN(name) FROM {Tag._meta.db_table}"
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE names (name) AS ({least} UNION ALL "
            f"SELECT ({least} WHERE name > names.name) FROM names WHERE names.name IS NOT NULL) "
            f"SELECT name FROM names WHERE name IS NOT NULL LIMIT {most:d}"
        )
        return [name for (name,) in cursor.fetchall()]
