"""The servers of a run and the places on them; all of it is gone when the run ends."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .catalogue import JOBQUEUE, PEERS, Queue
from .databases import Database
from .environment import python_of_peers
from .place import Place
from .plan import Plan
from .servers.mariadb import own_mariadb
from .servers.postgres import own_postgres
from .servers.programs import Missing
from .servers.redis import own_redis


class House:
    """Where everything is. Makes places, and takes them down."""

    def __init__(self, directory: Path, exits: contextlib.ExitStack) -> None:
        self.directory = directory
        self._exits = exits
        self._servers: dict[str, int] = {}
        self._mariadb = ""
        self._postgres = _without_name(os.environ.get("DATABASE_URL", ""))
        if not self._postgres:
            self._postgres, self._servers["postgres"] = exits.enter_context(own_postgres(directory))
        self._redis = os.environ.get("REDIS_URL", "")
        if not self._redis:
            self._redis, pid = exits.enter_context(own_redis(directory))
            if pid is not None:
                self._servers["redis"] = pid

    def places(self, plan: Plan) -> list[Place]:
        """Return a place for each queue that is to be measured on PostgreSQL and Redis; raises Missing."""
        places = [self._place(JOBQUEUE, self._postgres, python=sys.executable)] if plan.includes("jobqueue") else []
        if plan.peers:
            python = python_of_peers()
            places += [self._place(peer, self._postgres, python=python) for peer in PEERS if plan.includes(peer.name)]
        if not places:
            raise Missing("There is no queue of that name; those besides jobqueue are measured with PEERS=1.")
        return places

    def sqlite(self) -> Place:
        """Return a place for jobqueue on SQLite, without Redis: what a project begins with."""
        return self._place(JOBQUEUE, f"sqlite:///{self.directory}", redis_url="")

    def mariadb(self) -> Place:
        """Return a place for jobqueue on MariaDB; raises Missing."""
        if not self._mariadb:
            given = _without_name(os.environ.get("MARIADB_URL", ""))
            self._mariadb = given or self._exits.enter_context(own_mariadb(self.directory))
        return self._place(JOBQUEUE, self._mariadb)

    def _place(self, queue: Queue, url: str, *, redis_url: str | None = None, python: str = sys.executable) -> Place:
        name = f"bench_{queue.module}_{os.getpid()}"
        database = Database(f"{url}/{name}")
        directory = self.directory / f"{name}_{database.kind}"
        directory.mkdir(exist_ok=True)
        place = Place(
            queue=queue,
            database=database,
            redis_url=self._redis if redis_url is None else redis_url,
            python=python,
            directory=directory,
            servers=self._servers,
        )
        place.prepare()
        self._exits.callback(database.drop)
        return place


@contextlib.contextmanager
def house() -> Iterator[House]:
    """Have a house; raises Missing when a server is given by no URL and not installed either."""
    with contextlib.ExitStack() as exits:
        # Not in /tmp where that is memory: a disk that is none makes commits free.
        where = "/var/tmp" if os.path.isdir("/var/tmp") else None
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="jobqueue-bench-", dir=where)))
        directory.chmod(0o755)  # A server that runs as another user has to get through.
        yield House(directory, exits)


def _without_name(url: str) -> str:
    return url.rpartition("/")[0] if url.count("/") > 2 else url
