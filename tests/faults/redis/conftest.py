"""One fleet for all tests of this room: to start workers takes longer than most faults last."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from jobqueue.leases import leases_of, wake_of
from jobqueue.models import Attempt, Job, LedgerEntry, TaskDefinition, Worker
from tests.app.models import Counter, Entry
from tests.faults.redis.fleet import Fleet
from tests.processes import WorkerProcess
from tests.redis_server import OwnRedis


@pytest.fixture(scope="package")
def crew(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    """Give two workers on a server of their own, and this process on the same server."""
    directory, server = tmp_path_factory.mktemp("fleet"), OwnRedis()

    def start(*arguments: str, env: dict[str, str] | None = None) -> WorkerProcess:
        output: Path = directory / f"worker-{len(fleet.workers)}.log"
        return WorkerProcess("runworkers", *arguments, output=output, env=env)

    caches = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": server.url}}
    fleet = Fleet(directory, start, server)
    with override_settings(CACHES=caches), django_db_blocker.unblock():
        _forget_connections()
        yield fleet
        fleet.close()
        _empty()
    server.close()
    _forget_connections()


@pytest.fixture
def transactional_db(crew: Fleet) -> None:
    """Nothing is emptied between these tests. By this name, pytest-django sees that they need a database."""


@pytest.fixture
def fleet(crew: Fleet, transactional_db: None) -> Generator[Fleet]:
    """Give the two workers, both there; when a test failed, what they wrote is shown, and the next one starts over."""
    if crew.begun:
        crew.start_over()
        _empty()
    crew.man()
    crew.begun = True
    before = {worker: len(worker.output) for worker in crew.workers}
    yield crew
    for worker in crew.workers:
        print(f"\n── {worker!r}\n{worker.output[before.get(worker, 0) :]}")


def _empty() -> None:
    for model in (Job, Attempt, LedgerEntry, Worker, TaskDefinition, Counter, Entry):
        model.objects.all().delete()
    connections.close_all()


def _forget_connections() -> None:
    leases_of.cache_clear()
    wake_of.cache_clear()
