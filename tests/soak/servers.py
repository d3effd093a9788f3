"""Database servers of a soak's own, which may be stopped, killed and started again at the same address."""

from __future__ import annotations

import resource
import signal
from typing import ClassVar

from tests.database_server import OwnMariaDB, OwnPostgres


class Postgres(OwnPostgres):
    """PostgreSQL for a long time: its tables may grow, and are vacuumed."""

    most_bytes: ClassVar[int] = resource.RLIM_INFINITY

    def start(self, *options: str) -> None:
        """Start the server, and wait until it answers."""
        super().start("--autovacuum=on", *options)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server, whoever is connected."""
        super().stop(number)

    def _prepare(self) -> None:
        # One that dies with its parent dies with the thread that has started it, and some faults come in threads.
        return


class MariaDB(OwnMariaDB):
    """MariaDB; as above."""

    def _prepare(self) -> None:
        return


Server = Postgres | MariaDB
STARTERS: dict[str, type[Postgres] | type[MariaDB]] = {"postgresql": Postgres, "mariadb": MariaDB}
