"""Opens the gates of jobs that have waited for others: right after these have ended, and later what was missed then.

Missed is what nobody could see in time: a job that was being enqueued while the one ended for which it waits, or the
end of one whose worker died before it had looked who waits. Where no job waits for others, one short question every
other second is all that it costs.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from .. import lifecycle
from ..lifecycle import Judged

logger = logging.getLogger("jobqueue.worker")
_LOT = 500
_AT_MOST_SECONDS = 0.1
_WHILE_IT_CHANGES_SECONDS = 1.0
_PAUSE_SECONDS = 1.0
type Wake = Callable[[str, Iterable[str]], None]


class Swept(NamedTuple):
    """Whether gates were opened, and in how many seconds to look again."""

    opened: bool
    again_in: float


class Doorkeeper:
    """The one of a worker: asked by its settler, and by its keeper in another thread."""

    def __init__(self, backend: str, *, wake: Wake) -> None:
        self._backend = backend
        self._wake = wake
        self._is_needed = False
        self._beyond: UUID | None = None

    def follow(self, ended: Sequence[UUID]) -> list[str]:
        """Let go on what waits for these jobs, which have ended; return in which queues of this backend.

        Raises DatabaseError; what was missed by that is found by the next sweep.
        """
        if not self._is_needed:
            return []
        return [queue for lot in batched(ended, _LOT) for queue in self._tell(lifecycle.follow(lot))]

    def sweep(self) -> Swept:
        """Let jobs go on, some at a time and in turn, of which nobody has noticed that what they wait for has ended."""
        self._is_needed = lifecycle.any_dependencies()
        if not self._is_needed:
            return Swept(opened=False, again_in=2 * _PAUSE_SECONDS)
        began, opened, changed = time.monotonic(), False, False
        while True:
            judged, self._beyond = lifecycle.sweep(self._backend, beyond=self._beyond, limit=_LOT)
            self._tell(judged)
            opened = opened or bool(judged.opened)
            changed = changed or bool(judged.opened or judged.ended)
            if self._beyond is None:
                return Swept(opened=opened, again_in=_PAUSE_SECONDS)
            if time.monotonic() - began > (_WHILE_IT_CHANGES_SECONDS if changed else _AT_MOST_SECONDS):
                return Swept(opened=opened, again_in=0.0 if changed else _PAUSE_SECONDS)

    def _tell(self, judged: Judged) -> list[str]:
        for job_id, reason in judged.ended.items():
            logger.warning("Job %s was not begun and has ended: %s", job_id, reason)
        queues: dict[str, list[str]] = defaultdict(list)
        for backend, queue in set(judged.opened.values()):
            queues[backend].append(queue)
        for backend, names in queues.items():
            self._wake(backend, names)
        return queues[self._backend]
