"""Faults of the database: sessions end, COMMITs are cut, rows stay locked, the server dies, its clock seems wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from jobqueue.models import Job, Worker
from tests.app.sessions import sessions_here
from tests.proxy import Then, Trap

from .fault import ANY, SERVERS, Fault, Scene, Strike

_HANG_UP = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}
_COMMITS = 5


@contextlib.contextmanager
def _session() -> Iterator[Any]:
    """Have a session of the fault's own."""
    own = connection.copy()
    try:
        yield own
    finally:
        with contextlib.suppress(DatabaseError):
            own.close()


# -- sessions and COMMITs --------------------------------------------------------------------------


def sessions_ended(scene: Scene, strike: Strike) -> None:
    """The server ends some sessions, or all of them."""
    dice = scene.dice(strike)
    with _session() as own, own.cursor() as cursor:
        for number in sorted(sessions_here(own)):
            if dice.random() < 0.3 + strike.force:
                with contextlib.suppress(DatabaseError):  # It may have gone by itself.
                    cursor.execute(_HANG_UP[own.vendor], [number])


def commits(then: Then) -> Callable[[Scene, Strike], bool]:
    """Return a fault that happens to some of the next COMMITs, whoever says them."""

    def happen(scene: Scene, strike: Strike) -> bool:
        assert scene.database_way is not None
        dice = scene.dice(strike)
        traps = [scene.database_way.trap(b"COMMIT", then, nth=nth) for nth in dice.sample(range(1, 30), _COMMITS)]
        scene.let_pass(scene.lease * (0.3 + 0.7 * strike.force))
        scene.database_way.heal()  # Before it is asked who was caught: nobody is to be held up for ever.
        caught = [trap for trap in traps if trap.caught]
        if then in (Then.IN_FLIGHT, Then.STALL):
            for trap in caught:
                _let_go(trap)
        return bool(caught)

    return happen


def _let_go(trap: Trap) -> None:
    with contextlib.suppress(OSError, AssertionError):
        trap.wait().let_go()


# -- the way and the server ------------------------------------------------------------------------


def far_away(scene: Scene, strike: Strike) -> None:
    """Every word takes its time."""
    assert scene.database_way is not None
    scene.database_way.latency = 0.01 + 0.05 * strike.force
    scene.let_pass(scene.lease)
    scene.database_way.latency = 0.0


def lost(scene: Scene, strike: Strike) -> None:
    """What is said to the server, and what it answers, is lost for longer than a lease."""
    assert scene.database_way is not None
    scene.database_way.swallow("requests", "answers")
    scene.let_pass(scene.beyond_lease(strike.force))
    scene.database_way.heal()


def way_cut(scene: Scene, strike: Strike) -> None:
    """Every connection is cut on the way, and new ones are refused for a moment."""
    assert scene.database_way is not None
    scene.database_way.refuse()
    scene.database_way.cut()
    scene.let_pass(0.5 * strike.force)
    scene.database_way.accept()


def server_restarted(scene: Scene, strike: Strike) -> None:
    """The server is stopped in order and started again."""
    assert scene.server is not None
    scene.server.stop()
    scene.let_pass(scene.lease * strike.force / 2)
    scene.server.start()


def server_killed(scene: Scene, strike: Strike) -> None:
    """The server is killed and started again: it recovers what was committed."""
    assert scene.server is not None
    scene.watch.server_crashed()
    scene.server.kill()
    scene.server.start()
    scene.watch.server_crashed()


# -- rows ------------------------------------------------------------------------------------------


def rows_locked(scene: Scene, strike: Strike) -> None:
    """Somebody else keeps rows of jobs and of workers locked for a while; on SQLite, everything."""
    with contextlib.suppress(DatabaseError), transaction.atomic():
        # On SQLite, a transaction that has begun keeps out whoever wants to write.
        if connection.features.has_select_for_update_skip_locked:
            jobs = Job.objects.filter(status__in=("READY", "RUNNING")).order_by("id")
            list(jobs.select_for_update(skip_locked=True)[: 3 + int(20 * strike.force)])
            list(Worker.objects.select_for_update(skip_locked=True)[:1])
        scene.let_pass(scene.lease * (0.3 + 0.5 * strike.force))
    connection.close()


def workers_forgotten(scene: Scene, strike: Strike) -> None:
    """The rows of all workers are deleted."""
    with contextlib.suppress(DatabaseError):
        Worker.objects.all().delete()
    connection.close()


def wrong_clock(scene: Scene, strike: Strike) -> None:
    """Heartbeats are from the past or from the future, as if the clock of the database had been set."""
    with contextlib.suppress(DatabaseError):
        hours = timedelta(hours=1 if strike.force < 0.5 else -1)
        for worker in Worker.objects.filter(stopped_at=None):
            Worker.objects.filter(pk=worker.pk).update(heartbeat_at=worker.heartbeat_at + hours)
    connection.close()


def _fault(name: str, happen: Callable[[Scene, Strike], bool | None], where: frozenset[str] = SERVERS) -> Fault:
    return Fault(name=name, breaks="database", happen=happen, where=where)


FAULTS = [
    _fault("sessions ended", sessions_ended),
    _fault("COMMIT cut before it arrives", commits(Then.CUT_BEFORE)),
    _fault("COMMIT cut behind", commits(Then.CUT_BEHIND)),
    _fault("COMMIT in flight", commits(Then.IN_FLIGHT)),
    _fault("COMMIT held up", commits(Then.STALL)),
    _fault("database far away", far_away),
    _fault("requests to the database lost", lost),
    _fault("way to the database cut", way_cut),
    _fault("database restarted", server_restarted),
    _fault("database killed", server_killed),
    _fault("rows locked", rows_locked, ANY),
    _fault("rows of workers deleted", workers_forgotten, ANY),
    _fault("heartbeats of another time", wrong_clock, ANY),
]
