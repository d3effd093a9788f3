"""How everything is at this moment: what the first page tells at length, and the site's own index in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import tallies
from ..backend import backends
from ..database import DatabaseNow, alias
from ..models import PausedQueue, TaskDefinition, Worker
from .depths import Depth, Held, Place, depths, failed_jobs, held_jobs, running_jobs, waiting_queues
from .glance import now_of
from .liveness import is_alive, not_signed_off
from .tasks import task_paths
from .troubles import Trouble, troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is wrong, how deep each queue is, which are paused, who is there, and how many jobs of what run at whom."""

    now: datetime
    troubles: Sequence[Trouble]
    depths: dict[Place, Depth]
    paused: set[Place]
    workers: Sequence[Worker]
    running: Sequence[tuple[str, str, str, int]]


def situation() -> Situation:
    """Look at all of it, in a few queries however many jobs there are; each Redis is asked once."""
    definitions = list(TaskDefinition.objects.using(alias()).order_by().annotate(now=DatabaseNow()))
    workers = list(not_signed_off())
    now = now_of(definitions[0]) if definitions else tallies.now()
    paused = set(PausedQueue.objects.using(alias()).values_list("backend", "name"))
    running, held, failures = running_jobs(), held_jobs(), failed_jobs()
    at_queues = Counter[Place]()
    for backend, queue, _worker, count in running:
        at_queues[backend, queue] += count
    deep = depths(_places(definitions, paused, at_queues, held), at_queues, failures, held)
    return Situation(
        now=now,
        troubles=troubles(deep, paused, workers, running, failures, _known(definitions, workers), now),
        depths=deep,
        paused=paused,
        workers=workers,
        running=running,
    )


def _known(definitions: Sequence[TaskDefinition], workers: Sequence[Worker]) -> set[str]:
    """Return the tasks that live workers have declared, or while there is none any have, and those of this process."""
    alive = [worker for worker in workers if is_alive(worker)]
    declared = (it.path for it in definitions if not alive or it.is_declared_by(alive))
    return {*declared, *task_paths()}


def _places(
    definitions: Sequence[TaskDefinition], paused: set[Place], running: Counter[Place], held: Counter[Held]
) -> list[Place]:
    """Return the queues that settings and tasks name, that are paused, and those in which something runs or waits."""
    known = backends()
    configured = {(name, queue) for name, backend in known.items() for queue in backend.queues}
    declared = {(definition.backend, definition.queue) for definition in definitions if definition.backend in known}
    # Where any name will do, jobs may wait where nobody has thought of.
    free = {(name, queue) for name, it in known.items() if not it.queues for queue in waiting_queues(name)}
    return sorted(paused | configured | declared | free | set(running) | {place[:2] for place in held})
