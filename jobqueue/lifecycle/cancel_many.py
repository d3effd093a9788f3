"""cancel_many: cancel for a lot of jobs that wait, with a few statements for all of them.

A job that runs is left to cancel(): there are no more of these than workers run.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import alias, by_primary_key, take_write_lock
from ..models import Job
from .cancel import CAN_BE, called_off, is_over
from .many import Many, lock_free


def cancel_many(job_ids: Sequence[UUID]) -> Many:
    """Cancel jobs that wait, as cancel() does, in one transaction: all that are done, or none.

    What waits for them is judged by follow(), once this is committed, as after cancel().
    """
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        take_write_lock(connection)
        found = lock_free(connection, job_ids)
        waiting = [job.pk for job in found if job.status == TaskResultStatus.READY and job.token is None]
        if waiting:
            Job.objects.using(connection.alias).ready().filter(pk__in=waiting).update(**called_off())
    refused = {job.pk: is_over(job) for job in found if job.status not in CAN_BE}
    return Many(frozenset(waiting), refused)
