"""keep_logs: what bodies have logged is written down beside their attempts. It is for people; no verb reads it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import connections

from ..database import alias, impatient, take_write_lock, wait_for_writers
from ..models import AttemptLog, Job

Claimed = tuple[UUID, UUID]
# Whoever writes to SQLite may be the very body whose lines these are.
_PATIENCE_SECONDS = 0.02


def keep_logs(told: Mapping[Claimed, str]) -> None:
    """Write down the lines of these claims, each a job and a token, in place of those that are there.

    Those of jobs that are gone are not kept: nothing would ever delete them. It gives way to others (`gave_way()`).
    """
    connection = connections[alias()]
    with wait_for_writers(connection, _PATIENCE_SECONDS), impatient(connection):
        take_write_lock(connection)
        ids = {job_id for job_id, _ in told}
        there = set(Job.objects.using(connection.alias).filter(pk__in=ids).order_by().values_list("pk", flat=True))
        # In one order, so that two who write the same rows cannot deadlock.
        rows = [
            AttemptLog(job_id=job_id, token=token, lines=lines)
            for (job_id, token), lines in sorted(told.items())
            if job_id in there
        ]
        AttemptLog._default_manager.using(connection.alias).bulk_create(
            rows,
            batch_size=100,
            update_conflicts=True,
            unique_fields=None if connection.vendor == "mysql" else ["job_id", "token"],
            update_fields=["lines"],
        )
