"""What is wrong with the whole, each with what to do about it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import connections
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..backend import backends
from ..database import alias
from ..leases import LeasesUnavailable
from ..models import Outcome, Worker
from ..spelling import spelled
from .depths import TABLE, Depth, Failed, Place, first_in_doubt, tasks_with_jobs
from .liveness import heartbeat_age, is_alive, serves
from .numbers import number
from .times import written

# A queue whose first job has waited for longer is behind.
_BEHIND_SECONDS = 300.0
_CLOCKS_APART_SECONDS = 2.0
# Who has been silent for so much longer than a lease has had time enough to be noticed.
_RESCUE_SECONDS = 30.0
_LOOKED_AT = 1000
_UNKNOWN_AT_MOST = 20


class Trouble(NamedTuple):
    """A sentence, and where to go on from there; "" is nowhere."""

    text: str
    url: str = ""


def troubles(
    depths: dict[Place, Depth],
    paused: Collection[Place],
    workers: Sequence[Worker],
    running: Sequence[tuple[str, str, str, int]],
    failed: Counter[Failed],
    known: Collection[str],
    now: datetime,
) -> list[Trouble]:
    """Return what is to be looked at, the worst first."""
    return [
        *_stuck(workers, running),
        *_of_queues(depths, paused, workers, now),
        *_in_doubt(failed),
        *_unknown(known),
        *_redis(),
        *_clock(now),
    ]


def _jobs(**filters: str) -> str:
    return f"{reverse('admin:jobqueue_job_changelist')}?{urlencode(filters)}"


def _stuck(workers: Sequence[Worker], running: Sequence[tuple[str, str, str, int]]) -> Iterator[Trouble]:
    alive = {worker.pk for worker in workers if is_alive(worker)}
    lost_at = Counter[str]()
    for *_place, worker_id, count in running:
        if worker_id not in alive:
            lost_at[worker_id] += count
    if lost := lost_at.total():
        text = ngettext(
            "%(count)s job is stuck: it runs at a worker that gives no sign of life.",
            "%(count)s jobs are stuck: they run at workers that give no sign of life.",
            lost,
        ) % {"count": lost}
        (most, _count), *others = lost_at.most_common()
        # Moments, not spans: what changes at each refresh would be read aloud at each.
        owner = next((worker for worker in workers if worker.pk == most), None)
        if owner:
            heard = _("Last heard of “%(worker)s” at %(at)s.")
            text += " " + heard % {"worker": spelled(most), "at": written(owner.heartbeat_at)}
        if not alive:
            remedy = _("Start a worker: it will rescue them.")
        elif owner and heartbeat_age(owner) > owner.lease_seconds + _RESCUE_SECONDS:
            remedy = _("They should have been rescued by now: see what the live workers of that backend log.")
        else:
            remedy = _("A live worker of the backend will rescue them within some seconds.")
        text += f" {remedy}"
        yield Trouble(text, _jobs(status="RUNNING", **({} if others else {"worker_id": most})))


def _of_queues(
    depths: dict[Place, Depth], paused: Collection[Place], workers: Sequence[Worker], now: datetime
) -> Iterator[Trouble]:
    for place, depth in depths.items():
        backend, queue = place
        if not (depth.due or depth.due_at_limits):
            continue
        at = _behind_since(depth, now)
        names = {"queue": spelled(queue), "backend": spelled(backend), "at": at}
        url = _jobs(status="READY", queue=queue)
        if place in paused:
            # To pause one is no trouble; to forget it is.
            text = _(
                "The queue “%(queue)s” of backend “%(backend)s” is paused, and its first job has been due since "
                "%(at)s: resume it, if that was forgotten."
            )
            if at:
                yield Trouble(text % names, url)
        elif not any(serves(worker, backend, queue) for worker in workers):
            text = _(
                "Jobs wait in the queue “%(queue)s” of backend “%(backend)s”, and no live worker serves it: start one "
                "with runworkers."
            )
            yield Trouble(text % names, url)
        elif at:
            text = _(
                "The queue “%(queue)s” of backend “%(backend)s” is behind: its first job has been due since %(at)s. "
                "Start more workers, or see what the busy ones run."
            )
            yield Trouble(text % names, url)


def _behind_since(depth: Depth, now: datetime) -> str:
    """Return since when the first job of a queue is due, if that is too long; otherwise nothing."""
    first = depth.oldest
    return written(first) if first and (now - first).total_seconds() > _BEHIND_SECONDS else ""


def _in_doubt(failed: Counter[Failed]) -> Iterator[Trouble]:
    count = sum(count for (*_place, outcome), count in failed.items() if outcome == Outcome.IN_DOUBT)
    if not count or (first := first_in_doubt()) is None:
        return
    text = ngettext(
        "%(count)s job is in doubt: whether “%(task)s” has delivered something is not known since %(at)s. Open it, "
        "find out, and press Decide.",
        "%(count)s jobs are in doubt: whether something was delivered is not known, of the first, “%(task)s”, since "
        "%(at)s. Open each, find out, and press Decide.",
        count,
    )
    said = {"count": count, "task": spelled(first.task_path), "at": written(first.at)}
    url = reverse("admin:jobqueue_job_change", args=[first.job_id]) if count == 1 else _jobs(outcome=Outcome.IN_DOUBT)
    yield Trouble(text % said, url)


def _unknown(known: Collection[str]) -> Iterator[Trouble]:
    """Look among the newest jobs of tasks that are not known: most often there are none."""
    odd = [path for path in tasks_with_jobs() if path not in known][:_UNKNOWN_AT_MOST] if known else []
    if odd:
        newest = f"SELECT status FROM {TABLE} WHERE task_path = %s ORDER BY id DESC LIMIT {_LOOKED_AT}"
        waiting = f"(SELECT COUNT(*) FROM ({newest}) AS newest WHERE status = 'READY')"
        with connections[alias()].cursor() as cursor:
            cursor.execute(f"SELECT {' + '.join([waiting] * len(odd))}", odd)
            (count,) = cursor.fetchone()
    if odd and count:
        text = ngettext(
            "%(count)s job waits for a task that no worker knows: deploy a version that has it, or cancel the job.",
            "%(count)s jobs wait for tasks that no worker knows: deploy a version that has them, or cancel the jobs.",
            count,
        )
        yield Trouble(text % {"count": count}, _jobs(unknown="1"))


def _redis() -> Iterator[Trouble]:
    for name, backend in backends().items():
        leases = backend.leases()
        if leases is None:
            continue
        try:
            policy = leases.evicting_policy()
        except LeasesUnavailable:
            text = _(
                "The Redis of backend “%(backend)s” does not answer. Running jobs go on, held by heartbeats in the "
                "database; workers find new jobs a little later. See to the server."
            )
            yield Trouble(text % {"backend": spelled(name)})
            continue
        if policy:
            text = _("The Redis of backend “%(backend)s” may throw leases away (%(policy)s): set noeviction.")
            yield Trouble(text % {"backend": spelled(name), "policy": spelled(policy)})


def _clock(now: datetime) -> Iterator[Trouble]:
    apart = time.time() - now.timestamp()
    if abs(apart) > _CLOCKS_APART_SECONDS:
        text = _(
            "The clock of this server and that of the database are %(seconds)s s apart. Workers go by the database’s; "
            "set the other right."
        )
        yield Trouble(text % {"seconds": number(abs(apart))})
