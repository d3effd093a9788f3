"""Fixtures for the whole suite: worker processes, a private Redis, both kinds of backend, a clean end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from tests.processes import WorkerProcess
from tests.redis_server import OwnRedis


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Generator[None]:
    """Create the database; before the drop, close what others hold open on it, for which it would wait."""
    yield
    with django_db_blocker.unblock():
        disconnect_others(connection)


def disconnect_others(connection: Any) -> None:
    """Close what others have open on a database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        elif connection.vendor == "mysql":
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            for (number,) in cursor.fetchall():
                with contextlib.suppress(OperationalError):  # It may have gone by itself.
                    cursor.execute("KILL %s", [number])


@pytest.fixture(scope="session", autouse=True)
def _no_keys_left() -> Generator[None]:
    """Delete this process's keys at the end: the Redis may be one that others use."""
    yield
    if url := settings.REDIS_URL:
        import redis  # Only the suite's own clean-up needs a client here.

        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter(f"{settings.KEY_PREFIX}:*", count=1000):
                client.delete(key)


@pytest.fixture(params=["default", "plain"])
def backend_alias(request: pytest.FixtureRequest) -> str:
    """Name each of the two backends in turn: leases in Redis, and leases in the database alone."""
    return request.param


@pytest.fixture
def start_worker(transactional_db: None, tmp_path: Path) -> Generator[Callable[..., WorkerProcess]]:
    """Give `start_worker(*arguments, env=None)`: `manage.py runworkers …` on the test's own database.

    Whatever it started is ended with the test; when the test failed, what the workers wrote is shown.
    """
    workers: list[WorkerProcess] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> WorkerProcess:
        output = tmp_path / f"worker-{len(workers)}.log"
        worker = WorkerProcess("runworkers", *arguments, output=output, env=env)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.end()
        # Captured output is shown by pytest for a failed test alone.
        print(f"\n── {worker!r}\n{worker.output}")


@pytest.fixture
def nothing_counted(db: None) -> None:
    """Forget what workers of other tests have counted: those that outlive a test write it down when it is over."""
    from jobqueue.models import Tally  # The apps are ready only now.

    Tally.objects.all().delete()


@pytest.fixture
def own_redis() -> Generator[OwnRedis]:
    """Give a Redis server that the test may empty, freeze or kill."""
    server = OwnRedis()
    yield server
    server.close()
