"""What retry_many and cancel_many have in common: what they lock, and what they answer.

Who changes many waits for nobody's row. What somebody else has locked is left to the verb for one job, which waits, or
says that it does not; so no two who change the same jobs in other lots can wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from ..models import Job


class Many(NamedTuple):
    """To which jobs it was done, and to which it cannot be and why. All others are left to the verb for one job."""

    done: frozenset[UUID] = frozenset()
    refused: Mapping[UUID, str] = {}


def lock_free(connection: BaseDatabaseWrapper, job_ids: Sequence[UUID]) -> list[Job]:
    """Lock those of some jobs that nobody else has locked, and return them by id, with what tells their state."""
    skip = connection.features.has_select_for_update_skip_locked
    rows = Job.objects.using(connection.alias).filter(pk__in=job_ids).order_by("pk")
    columns = ("status", "outcome", "attempt", "token", "unique_key", "unique_while")
    return list(rows.only(*columns).select_for_update(skip_locked=skip))
