"""For people who look for jobs: the tags that there are, and those of a job. Only reads."""

from __future__ import annotations

from uuid import UUID

from django.db import connections

from .database import alias
from .models import Tag


def tags_of(job_id: UUID) -> list[str]:
    """Return the tags of a job, in order."""
    return list(Tag.objects.using(alias()).filter(job_id=job_id).order_by("name").values_list("name", flat=True))


def known_tags(*, most: int) -> list[str]:
    """Return the first tags that any job has, in order: one look into an index for each, however many jobs have it."""
    connection, table = connections[alias()], Tag._meta.db_table
    if connection.vendor == "mysql":
        # MariaDB goes from group to group by itself; of a name that comes from another row it would read all before it.
        statement = f"SELECT name FROM {table} GROUP BY name ORDER BY name LIMIT %s"
    else:
        first = f"SELECT MIN(name) FROM {table}"
        statement = (
            f"WITH RECURSIVE names (number, name) AS (SELECT 1, ({first}) UNION ALL "
            f"SELECT number + 1, ({first} WHERE name > names.name) FROM names WHERE name IS NOT NULL AND number < %s) "
            "SELECT name FROM names WHERE name IS NOT NULL ORDER BY number"
        )
    with connection.cursor() as cursor:
        cursor.execute(statement, [most])
        return [name for (name,) in cursor.fetchall()]


def is_known(name: str) -> bool:
    """Return whether any job has that tag."""
    return Tag.objects.using(alias()).filter(name=name).exists()
