"""Clocks: the database's, by which jobs become due, against this machine's and against those of Redis.

Nothing that is safe hangs on a clock. A deferred job comes early or late by what the clocks differ, and people who read
logs of two machines are misled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from ..backend import JobQueueBackend
from ..database import connection, moment, now_sql
from ..leases import Leases, clock_ahead
from .finding import Finding, Level, judged
from .looks import Look
from .redis_servers import asked

OFF_SECONDS = 1.0
FAR_OFF_SECONDS = 60.0


def looks() -> Iterator[Look]:
    """Yield the looks."""
    yield Look(about="clock.database", at=_database, needs=frozenset({"database"}))
    for backend, leases in asked():
        needs = frozenset({"database", f"redis:{backend.settings.redis}"})
        yield Look(about="clock.redis", at=partial(_redis, backend, leases), needs=needs)


def database_ahead() -> float:
    """Return by how many seconds the database's clock is ahead of this machine's."""
    here = connection()
    here.ensure_connection()
    began = time.time()
    with here.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(here)}".replace("%%", "%"))
        told = moment(here, cursor.fetchone()[0])
    assert told is not None
    return told.timestamp() - (began + time.time()) / 2


def _database() -> Iterator[Finding]:
    yield _judge(
        "clock.database",
        "The database's clock",
        database_ahead(),
        "this machine's",
        "Jobs are due by the database's clock: what this machine defers with run_after comes early or late by that.",
    )


def _redis(backend: JobQueueBackend, leases: Leases) -> Iterator[Finding]:
    yield _judge(
        "clock.redis",
        f"The clock of Redis (CACHES[{backend.settings.redis!r}])",
        clock_ahead(leases) - database_ahead(),
        "the database's",
        "Leases are counted from when they are taken, so a constant difference does no harm; one that jumps may free "
        "leases early, and then heartbeats protect their jobs.",
    )


def _judge(about: str, whose: str, ahead: float, other: str, means: str) -> Finding:
    far = abs(ahead) > FAR_OFF_SECONDS
    how = "ahead of" if ahead > 0 else "behind"
    return judged(
        Level.PROBLEM if far else abs(ahead) > OFF_SECONDS,
        about=about,
        says=f"{whose} is {abs(ahead):.3f} s {how} {other}.",
        means=means,
        do="Have both machines keep time by NTP.",
        figure=round(ahead, 3),
        unit="s",
    )
