"""All jobs that match, however many: each press goes through as many as fit in some seconds, the next goes on there.

What is confirmed is what matched when the page was shown, by two ids: no job that was enqueued later is meant, and none
is gone through twice, though one that was retried and failed again matches again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest

from ..models import Job, JobQuerySet
from ..operations import in_lots
from .finding import as_uuid
from .paging import capped_count

# A request must end before a web server gives it up, which many do after half a minute.
SECONDS = 10.0
# Counting so many takes a moment, of an index or of the table.
COUNT_AT_MOST = 1_000_000


@dataclass(slots=True)
class Stretch:
    """What is still to be gone through: the jobs up to the id ``last``, and from behind the id ``after`` on."""

    last: UUID
    after: UUID | None = None

    @classmethod
    def whole(cls, jobs: JobQuerySet) -> Stretch | None:
        """Return all that is there now, None when nothing is."""
        last = jobs.order_by("pk").values_list("pk", flat=True).last()
        return None if last is None else cls(last)

    @classmethod
    def read(cls, form: Any) -> Stretch | None:
        """Return what a page of a press before this one sent, None for the first; raises BadRequest for no ids."""
        if "last" not in form:
            return None
        last, after = as_uuid(form["last"]), as_uuid(form.get("after", ""))
        if last is None or (after is None and form.get("after")):
            raise BadRequest("Not the ids of jobs.")
        return cls(last, after)

    def of(self, jobs: JobQuerySet) -> JobQuerySet:
        """Return those of some jobs that are in it."""
        inside: JobQuerySet = jobs.filter(pk__lte=self.last)
        return inside if self.after is None else inside.filter(pk__gt=self.after)

    def count(self, jobs: JobQuerySet) -> int:
        """Return how many of some jobs are in it; AtLeast(…) when they are very many."""
        return capped_count(self.of(jobs), COUNT_AT_MOST)

    def walk(self, jobs: JobQuerySet, seconds: float) -> Iterator[Sequence[Job]]:
        """Yield small lots of jobs by id, until the seconds are over; what was yielded is behind it from then on."""
        until = time.monotonic() + seconds
        for lot in in_lots(self.of(jobs)):
            yield lot
            self.after = lot[-1].pk
            if time.monotonic() >= until:
                return
