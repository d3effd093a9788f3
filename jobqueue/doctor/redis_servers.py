"""Redis: whether it answers, throws nothing away, and can write. One look for each server that a backend names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..backend import JobQueueBackend, backends
from ..checks import check_backend, check_server
from ..leases import Leases, health, round_trip
from .finding import Finding, Level, judged
from .looks import Look

SLOW_ROUND_TRIP_MS = 20.0
_NEARLY_FULL = 0.9
_UNUSABLE = ("jobqueue.E001", "jobqueue.E002")


def looks() -> Iterator[Look]:
    """Yield the looks."""
    yield Look(about="redis.none", at=_none)
    for backend, leases in asked():
        name = f"redis:{backend.settings.redis}"
        failing = partial(_silent, str(backend.settings.redis))
        yield Look(about="redis.answers", at=partial(_answers, backend, leases), opens=name, failing=failing)
        yield Look(about="redis.health", at=partial(_health, backend, leases), needs=frozenset({name}))


def asked() -> Iterator[tuple[JobQueueBackend, Leases]]:
    """Yield a backend for each server, and its leases; those whose settings are wrong have been told of."""
    seen = set()
    for backend in backends().values():
        name = backend.settings.redis
        if name is None or name in seen or any(it.id in _UNUSABLE for it in check_backend(backend)):
            continue
        seen.add(name)
        leases = backend.leases()
        if leases is not None:
            yield backend, leases


def _none() -> Iterator[Finding]:
    without = [backend.alias for backend in backends().values() if backend.settings.redis is None]
    if without:
        names = ", ".join(without)
        yield Finding(
            about="redis.none", says=f"Without Redis: {names}. Leases are in the database, idle workers poll."
        )


def _answers(backend: JobQueueBackend, leases: Leases) -> Iterator[Finding]:
    took = 1000 * round_trip(leases)
    yield judged(
        took > SLOW_ROUND_TRIP_MS,
        about="redis.answers",
        says=f"Redis (CACHES[{backend.settings.redis!r}]) answers in {took:.1f} ms.",
        means="Every batch of jobs waits for it twice.",
        do="Bring it nearer to the workers, or see what keeps it busy (SLOWLOG GET).",
        figure=round(took, 3),
        unit="ms",
    )


def _silent(name: str, why: str) -> Finding:
    return Finding(
        about="redis.answers",
        level=Level.PROBLEM,
        says=f"Redis (CACHES[{name!r}]) does not answer: {why}",
        means="Nothing is lost and running jobs go on by the heartbeats in the database; jobs are begun later.",
        do=f"See that the server runs, and that CACHES[{name!r}]['LOCATION'] names it rightly.",
    )


def _health(backend: JobQueueBackend, leases: Leases) -> Iterator[Finding]:
    found, name = health(leases), f"CACHES[{backend.settings.redis!r}]"
    evicting = check_server(leases, backend.settings)
    yield judged(
        Level.PROBLEM if evicting else Level.OK,
        about="redis.eviction",
        says=str(evicting[0].msg) if evicting else f"Redis ({name}) throws nothing away when its memory is full.",
        means="Leases of living jobs vanish; their heartbeats still protect them, hints of new jobs are lost.",
        do=str(evicting[0].hint) if evicting else "",
    )
    share = found.memory / found.limit if found.limit else 0.0
    yield judged(
        share > _NEARLY_FULL,
        about="redis.memory",
        says=f"Redis ({name}) uses {found.memory / 2**20:,.1f} MB" + (f", {share:.0%} of its limit." if share else "."),
        means="When it is full it takes no new leases. Heartbeats in the database stand in for them.",
        do="Give it more memory, or have OPTIONS['REDIS'] name a server of its own.",
        figure=round(found.memory / 2**20, 1),
        unit="MB",
    )
    yield judged(
        Level.PROBLEM if found.role in ("slave", "replica") else Level.OK,
        about="redis.role",
        says=f"Redis ({name}) is a {found.role or 'server that does not say its role'}.",
        means="A replica refuses every write: no lease can be taken.",
        do="Name the master, or use sentinels in CACHES as django-redis describes.",
    )
    but = f", but {found.refusing}" if found.refusing else ""
    yield judged(
        bool(found.refusing),
        about="redis.persistence",
        says=f"Redis ({name}) {_persistence(found.persists)}{but}.",
        means="It may refuse to write now (MISCONF), and so to take leases.",
        do="See its log, and that its disk is not full.",
    )


def _persistence(persists: bool | None) -> str:
    if persists is None:
        return "does not say whether it keeps anything on disk; jobqueue needs nothing kept"
    return "keeps its keys on disk" if persists else "keeps nothing on disk; jobqueue needs nothing kept"
