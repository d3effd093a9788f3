"""The database server: whether it answers and writes, how fast, and how it is set."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from statistics import median
from typing import Any

from django.db import DatabaseError, transaction

from ..database import DatabaseNow, alias, connection
from ..models import Worker
from .finding import Finding, Level, judged
from .looks import Look

_TIMES = 5
# A worker waits once for each claim and each job that writes; more than this is another continent, or a busy server.
SLOW_ROUND_TRIP_MS = 20.0
SLOW_COMMIT_MS = 50.0
# What is open for so long keeps dead rows alive, which every claim has to read past.
LONG_TRANSACTION_SECONDS = 900.0


def looks() -> Iterator[Look]:
    """Yield the looks at the server; no other is taken when it does not answer."""
    yield Look(about="database.answers", at=_answers, opens="database", failing=_silent)
    needs = frozenset({"database"})
    yield Look(about="database.isolation", at=_isolation, needs=needs)
    yield Look(about="database.time-zone", at=_time_zone, needs=needs)
    yield Look(about="database.durability", at=_durability, needs=needs)
    yield Look(about="database.transactions", at=_long_transactions, needs=needs)


def commits() -> Iterator[Finding]:
    """Yield how long a COMMIT takes.

    It has to be one that wrote: a row is put among those of workers and taken out again in the same transaction, so
    that nobody sees it, and what is left is what any row leaves that was deleted: space that is used again.
    """
    try:
        took = 1000 * median(_commit() for _ in range(_TIMES))
    except DatabaseError as error:
        yield _unwritable(str(error).strip())
        return
    yield judged(
        took > SLOW_COMMIT_MS,
        about="database.commit",
        says=f"A COMMIT takes {took:.1f} ms.",
        means="Each job that writes waits for one, and each enqueue.",
        do="Look at the disk of the server and at its replicas, for which COMMIT may wait.",
        figure=round(took, 3),
        unit="ms",
    )


def _commit() -> float:
    name, now = f"doctor-{uuid.uuid4().hex}", DatabaseNow()
    rows = Worker.objects.using(alias())
    with transaction.atomic(using=alias(), durable=True):
        rows.create(
            id=name, name=name, hostname="", pid=0, backend="", concurrency=0, seats=0, lease_seconds=0,
            started_at=now, heartbeat_at=now, stopped_at=now,
        )  # fmt: skip
        rows.filter(pk=name).delete()
        began = time.perf_counter()
    return time.perf_counter() - began


def _unwritable(why: str) -> Finding:
    return Finding(
        about="database.commit",
        level=Level.PROBLEM,
        says=f"The database does not write: {why}",
        means="Nothing is enqueued, claimed or finished.",
        do="Have the settings name the primary server, and a user who may write; see who holds it locked.",
    )


def _answers() -> Iterator[Finding]:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        _ask("SELECT 1")
        taken.append(time.perf_counter() - began)
    took = 1000 * median(taken)
    yield judged(
        took > SLOW_ROUND_TRIP_MS,
        about="database.answers",
        says=f"The database ({connection().display_name}) answers in {took:.1f} ms.",
        means="Every job waits for it several times.",
        do="Bring the workers nearer to their database, or see what keeps it busy.",
        figure=round(took, 3),
        unit="ms",
    )


def _silent(why: str) -> Finding:
    return Finding(
        about="database.answers",
        level=Level.PROBLEM,
        says=f"The database does not answer: {why}",
        means="Nothing is enqueued, claimed or finished. Nothing else about jobs could be looked at.",
        do="See that the server runs, and that DATABASES names it rightly.",
    )


_ISOLATION = {
    "postgresql": "SHOW transaction_isolation",
    "mariadb": "SELECT @@session.tx_isolation",
    "mysql": "SELECT @@session.transaction_isolation",
}


def _isolation() -> Iterator[Finding]:
    here = connection()
    if here.vendor == "sqlite":
        return
    level = str(_ask(_ISOLATION[_kind()])).replace("-", " ").lower()
    yield judged(
        level != "read committed",
        about="database.isolation",
        says=f"Transactions are {level}.",
        means="Workers that meet fail with errors of serialization, or wait for gaps between rows.",
        do="Leave isolation_level out of DATABASES, and the server's or the role's default at READ COMMITTED.",
    )


def _time_zone() -> Iterator[Finding]:
    if connection().vendor == "postgresql":
        yield judged(Level.OK, about="database.time-zone", says=f"Sessions are in {_ask('SHOW timezone')}.")
    elif connection().vendor == "mysql":
        hours = float(_ask("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")) / 3600
        yield judged(
            abs(hours) > 0.01,
            about="database.time-zone",
            says=f"NOW() of the server is {hours:+.1f} h from UTC.",
            means="Jobqueue asks for UTC and is right. Django's Now() in your own queries is wrong by that.",
            do="Set default_time_zone = '+00:00' on the server.",
            figure=round(hours, 2),
            unit="hours",
        )


def _durability() -> Iterator[Finding]:
    weak = list(_weaknesses())
    yield judged(
        bool(weak),
        about="database.durability",
        says=f"A COMMIT may be lost when the server's machine fails: {', '.join(weak)}."
        if weak
        else "What is committed outlives a crash of the database.",
        means="A job that was enqueued, or what one did, may be gone after such a failure; and it may run again.",
        do="Set it back, unless that is what you want.",
    )


def _weaknesses() -> Iterator[str]:
    if connection().vendor == "postgresql":
        for name in ("fsync", "synchronous_commit"):
            if (value := _ask(f"SHOW {name}")) == "off":
                yield f"{name} is {value}"
    elif connection().vendor == "mysql":
        value = _ask("SELECT @@innodb_flush_log_at_trx_commit")
        if str(value) != "1":
            yield f"innodb_flush_log_at_trx_commit is {value}"
    elif str(_ask("PRAGMA synchronous")) == "0":
        yield "synchronous is OFF"


_OLDEST = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM MAX(clock_timestamp() - xact_start)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    "mysql": "SELECT MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())) FROM information_schema.innodb_trx",
}


def _long_transactions() -> Iterator[Finding]:
    if connection().vendor not in _OLDEST:
        return
    seconds = float(_ask(_OLDEST[connection().vendor]) or 0)
    yield judged(
        seconds > LONG_TRANSACTION_SECONDS,
        about="database.transactions",
        says=f"The oldest transaction that is open began {seconds:.0f} s ago.",
        means="While it is open no dead row can go, and every claim reads past them all.",
        do='Find and end it. Long bodies belong in effects="steps", which keep no transaction open.',
        figure=round(seconds),
        unit="s",
    )


def _kind() -> str:
    here = connection()
    return "mariadb" if getattr(here, "mysql_is_mariadb", False) else here.vendor


def _ask(statement: str) -> Any:
    with connection().cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return row[0] if row else None
