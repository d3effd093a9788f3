"""The database server: real SQLite, whose clock, connections, COMMITs and snapshots the simulation has in hand.

A session is what a client has open. Its raw connection goes back to a pool when the client closes it or dies; what it
had not committed is rolled back then, as a server does.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from tests.simulation import current
from tests.simulation.world import BEGINNING, Actor, Process, Waitable

LOCK_SECONDS = 5.0
TABLES = (
    "jobqueue_job",
    "jobqueue_attempt",
    "jobqueue_dependency",
    "jobqueue_ledgerentry",
    "jobqueue_limit",
    "jobqueue_schedule",
    "jobqueue_worker",
    "app_entry",
    "app_counter",
)
_WATCHED = re.compile(
    r"(?:INSERT|UPDATE|DELETE|REPLACE).*(?:jobqueue_job\b|jobqueue_ledgerentry|jobqueue_schedule|app_entry)", re.DOTALL
)
_TABLE = re.compile(r"\b(?:jobqueue|app)_(\w+)")
_BUSY = re.compile(r"PRAGMA busy_timeout = (\d+)")
_JULIAN_1970 = 2440587.5


@cache
def place_of(sql: str) -> tuple[str, bool]:
    """Return how a statement is called in a trace, and whether it may change what is watched."""
    verb, table = sql.split(None, 1)[0].strip(";"), _TABLE.search(sql)
    # Savepoints are named after threads.
    return f"{verb} {table[1]}" if table else sql.split(' "', 1)[0][:24], bool(_WATCHED.match(sql))


class Server:
    """The server, and all that is open on it."""

    def __init__(self) -> None:
        self._pool: list[sqlite3.Connection] = []
        self.sessions: list[Session] = []
        self.lock = Waitable()
        self.clock = 0.0
        self.clock_was_set = False
        self.down_until = 0.0
        self.look: sqlite3.Connection
        self.kept: dict[str, list[Any]] | None = None

    def begin(self, look: sqlite3.Connection) -> None:
        """Be as new: all tables empty."""
        self.sessions, self.lock, self.clock, self.down_until, self.kept = [], Waitable(), 0.0, 0.0, None
        self.look, self.clock_was_set = look, False
        for table in TABLES:
            look.execute(f"DELETE FROM {table}")

    def now(self) -> float:
        """Return what the clock of the server says."""
        return BEGINNING + current.world.now + self.clock

    def open(self, make: Callable[[], sqlite3.Connection]) -> Session:
        """Let a client in."""
        current.world.at("connect")
        actor = current.world.here
        assert actor is not None
        if not self.reaches(actor.process):
            raise sqlite3.OperationalError("could not connect to server")
        raw = self._pool.pop() if self._pool else self._with_our_clock(make())
        session = Session(self, raw, actor)
        self.sessions.append(session)
        return session

    def reaches(self, process: Process) -> bool:
        """Return whether a process can get through."""
        now = current.world.now
        return now >= self.down_until and now >= process.own.get("cut until", 0.0)

    def take_back(self, session: Session) -> None:
        """End a session, and undo what it has not committed."""
        if session in self.sessions:
            self.sessions.remove(session)
            raw = session.raw
            if raw.in_transaction:
                raw.rollback()
                self.lock.notify()
            if session.set_read_only:  # Else every statement would have to be prepared anew.
                raw.execute("PRAGMA query_only = OFF")
            raw.isolation_level = None
            self._pool.append(raw)

    def cut(self, concerns: Callable[[Session], bool] = lambda _: True) -> None:
        """Hang up on clients; what they have not committed is undone."""
        for session in [s for s in self.sessions if concerns(s) and not s.in_flight]:
            session.broken = True
            self.take_back(session)

    def keep(self) -> None:
        """Make a snapshot."""
        self.kept = {
            table: self.look.execute(f"SELECT {', '.join(self._columns(table))} FROM {table}").fetchall()
            for table in TABLES
        }

    def fail_over(self) -> None:
        """Put the snapshot back: everybody is cut off, and what was committed since never was."""
        assert self.kept is not None
        for session in self.sessions:
            session.in_flight = False
        self.cut()
        self.look.execute("BEGIN IMMEDIATE")
        for table, rows in self.kept.items():
            self.look.execute(f"DELETE FROM {table}")
            if rows:
                columns = self._columns(table)
                self.look.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows
                )
        self.look.execute("COMMIT")

    def _columns(self, table: str) -> list[str]:
        """Return the columns that are stored, without those that the database computes from them."""
        told = self.look.execute(f"PRAGMA table_xinfo({table})").fetchall()
        return [f'"{name}"' for _, name, *_, hidden in told if not hidden]

    def _with_our_clock(self, raw: sqlite3.Connection) -> sqlite3.Connection:
        raw.create_function("STRFTIME", 2, self._strftime)
        raw.create_function("JULIANDAY", 1, self._julianday)
        return raw

    def _strftime(self, form: str, moment: str) -> str:
        assert moment == "NOW", moment
        assert form == "%Y-%m-%d %H:%M:%f000", form
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "000"

    def _julianday(self, moment: str | None) -> float | None:
        if moment is None:
            return None
        seconds = self.now() if moment == "NOW" else datetime.fromisoformat(f"{moment}+00:00").timestamp()
        return _JULIAN_1970 + seconds / 86400


class Session:
    """What a client has open: what Django takes for the driver's connection."""

    def __init__(self, server: Server, raw: sqlite3.Connection, actor: Actor) -> None:
        self._server, self.raw, self.actor = server, raw, actor
        self._patience = LOCK_SECONDS
        self.broken = self.in_flight = self.set_read_only = self._changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    @property
    def in_transaction(self) -> bool:
        return not self.broken and self.raw.in_transaction

    @property
    def isolation_level(self) -> str | None:
        return self.raw.isolation_level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        self._refuse_if_broken()
        self.raw.isolation_level = level

    def cursor(self) -> Cursor:
        self._refuse_if_broken()
        return Cursor(self)

    def commit(self) -> None:
        current.world.at("COMMIT")
        fate, self.actor.fate = self.actor.fate, None
        self._refuse_if_broken()
        if fate == "fails":
            self._break("server closed the connection")
        if fate == "late":
            self.in_flight = self.broken = True
            raise sqlite3.OperationalError("server closed the connection")
        self._land()
        if fate == "lost":
            self._break("server closed the connection")
        current.world.at("COMMITTED")

    def land_late(self, *, commits: bool) -> None:
        """Have the server come to the COMMIT that was in flight, or not."""
        if self.in_flight and self in self._server.sessions:
            current.world.note(f"the COMMIT of {self.actor.name} {'lands' if commits else 'never came'}")
            if commits:
                self._land()
            self.in_flight = False
            self._server.take_back(self)

    def _land(self) -> None:
        had_lock = self.raw.in_transaction
        self.raw.commit()
        if had_lock:
            self._server.lock.notify()
        changed, self._changed = self._changed, False
        if changed:
            current.simulation.watch.committed(self.actor)

    def rollback(self) -> None:
        self._refuse_if_broken()
        had_lock = self.raw.in_transaction
        self.raw.rollback()
        self._changed = False
        if had_lock:
            self._server.lock.notify()

    def close(self) -> None:
        if not self.in_flight:
            self.broken = True
            self._server.take_back(self)

    def execute(self, sql: str, params: Any, run: Callable[..., Any]) -> None:
        """Execute a statement, once whoever writes is done."""
        world, actor = current.world, self.actor
        place, watched = place_of(sql)
        world.at(place)
        fate, actor.fate = actor.fate, None
        self._refuse_if_broken()
        if fate == "fails":
            self._break("server closed the connection")
        if fate == "deadlock" and self.raw.in_transaction:
            # As MariaDB does it: all is undone, and what comes next is in a new transaction.
            self.raw.rollback()
            self.raw.execute("BEGIN IMMEDIATE")
            self._changed = False
            raise sqlite3.OperationalError(1213, "Deadlock found when trying to get lock")
        self.set_read_only |= place == "PRAGMA query_only = ON"
        if sql == "PRAGMA busy_timeout":
            run(f"SELECT {int(self._patience * 1000)}")
            return
        if wait := _BUSY.match(sql):
            self._patience = int(wait[1]) / 1000  # Nobody really waits here.
            return
        self._wait_and(lambda: run(sql) if params is None else run(sql, params))
        if watched:
            self._changed = True
            if not self.raw.in_transaction:
                self._land()
        if fate == "lost":
            self._break("server closed the connection")

    def _wait_and(self, run: Callable[[], Any]) -> None:
        world = current.world
        deadline = world.now + self._patience
        while True:
            try:
                run()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or world.now >= deadline:
                    raise
                world.wait([self._server.lock], deadline - world.now, deaf=True)
                self._refuse_if_broken()
            else:
                return

    def _refuse_if_broken(self) -> None:
        if current.world.unwinding:
            current.world.at("unwinding")
        if self.broken:
            raise sqlite3.OperationalError("the connection is closed")
        if not self._server.reaches(self.actor.process):
            self._break("server closed the connection")

    def _break(self, why: str) -> None:
        self.broken = True
        self._server.take_back(self)
        raise sqlite3.OperationalError(why)


class Cursor:
    """A cursor whose statements are places. It reads at once all that there is to read, so none is left half read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._raw = session.raw.cursor(factory=SQLiteCursorWrapper)
        self._rows: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def __iter__(self) -> Any:
        return iter(self.fetchall())

    def execute(self, sql: str, params: Any = None) -> Cursor:
        self._session.execute(sql, params, self._run)
        return self

    def executemany(self, sql: str, params: Any) -> Cursor:
        self._session.execute(sql, params, self._raw.executemany)
        return self

    def _run(self, sql: str, *params: Any) -> None:
        self._raw.execute(sql, *params)
        self._rows = self._raw.fetchall() if self._raw.description is not None else []

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows
