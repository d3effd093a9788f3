"""tag: writes down the words by which people will look for a job; they come with the job, and go with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import batched
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from ..models import Tag
from ..task import JobTask

_LOT = 500


def tag(connection: BaseDatabaseWrapper, jobs: Sequence[tuple[UUID, JobTask]]) -> None:
    """Write down the tags of these new jobs."""
    rows = (Tag(job_id=job_id, name=name) for job_id, task in jobs for name in dict.fromkeys(task.tags))
    for lot in batched(rows, _LOT):
        Tag.objects.using(connection.alias).bulk_create(lot)


def untag(connection: BaseDatabaseWrapper, job_ids: Collection[UUID]) -> None:
    """Delete the tags of jobs that go, in the transaction that deletes them."""
    rows = Tag.objects.using(connection.alias)
    # By their ids: MariaDB and MySQL scan a small table for anything else, and wait for rows that stay.
    ids = list(rows.filter(job_id__in=job_ids).order_by().values_list("pk", flat=True))
    if ids:
        rows.filter(pk__in=ids).delete()
