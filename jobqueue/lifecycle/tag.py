"""tag: writes down the words by which people will look for a job, in the transaction that creates it."""

from __future__ import annotations

from collections.abc import Sequence
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
