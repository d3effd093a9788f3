"""What can be known of jobs that have not ended, while their world still stands: rows, sessions, processes, words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection

from jobqueue.models import Worker

from . import history
from .facts import Seen

_MOST_JOBS, _MOST_LINES, _WIDTH = 2, 5, 280
_TRANSACTIONS = {
    "postgresql": "SELECT pid, state, wait_event, clock_timestamp() - xact_start, right(application_name, 12), "
    "pg_blocking_pids(pid), left(query, 90) FROM pg_stat_activity WHERE datname = current_database() "
    "AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
    "mysql": "SELECT trx_mysql_thread_id, trx_state, trx_started, trx_rows_locked, left(trx_query, 90) "
    "FROM information_schema.innodb_trx",
}


def evidence(open_ends: list[Seen], processes: list[str], directory: Path) -> list[str]:
    """Return what is known of some of the jobs, one thing a line."""
    lines = [line for seen in open_ends[:_MOST_JOBS] for line in _of(seen, directory)]
    lines += [f"process {process}" for process in processes]
    # The server may be away, which is evidence too.
    try:
        lines += _of_database()
    except (DatabaseError, InterfaceError) as error:
        lines.append(f"the database: {error}")
        connection.close()
    return [line[:_WIDTH] for line in lines]


def _of(seen: Seen, directory: Path) -> Iterator[str]:
    yield f"{seen}, of {seen.worker or 'nobody'} since {seen.started_at}, token {seen.token}"
    said = sorted(
        (line for line in history.lines(directory / "history") if line.number == seen.number), key=lambda line: line.at
    )
    for line in said[-_MOST_LINES:]:
        yield f"  {line.at:.3f} pid {line.pid}, thread {line.thread}: {line.what} {line.note}"
    for log in sorted(directory.glob("worker-*.log")):
        with suppress(OSError):
            words = [text for text in log.read_text(errors="replace").splitlines() if seen.id in text]
            yield from (f"  {log.name}: {text}" for text in words[-_MOST_LINES:])


def _of_database() -> Iterator[str]:
    for row in Worker.objects.filter(stopped_at=None).values_list("id", "pid", "started_at", "heartbeat_at"):
        yield f"worker {' '.join(map(str, row))}"
    if (question := _TRANSACTIONS.get(connection.vendor)) is not None:
        with connection.cursor() as cursor:
            cursor.execute(question)
            for row in cursor.fetchall():
                yield f"transaction {' | '.join(map(str, row))}"
