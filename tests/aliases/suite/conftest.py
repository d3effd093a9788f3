"""Two databases to commit in, emptied after each test; workers on both."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connections
from django.test.utils import setup_databases, teardown_databases

from jobqueue.lifecycle import Claim
from tests.conftest import disconnect_others
from tests.effects.runs import Run, Stage
from tests.processes import WorkerProcess
from tests.races.actors import Actor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the part of the tests that JOBQUEUE_PART names, as in 0/3: every third from the first on; else all."""
    part, _, parts = os.environ.get("JOBQUEUE_PART", "0/1").partition("/")
    items[:] = items[int(part) :: int(parts)]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Generator[None]:
    """Create both databases, whichever the tests name."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        for connection in connections.all():
            disconnect_others(connection)
        teardown_databases(made, verbosity=0)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Generator[None]:
    """Let the test commit what it likes to both databases."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        for alias in connections.settings:
            for label in ("jobqueue", "app"):
                for model in apps.get_app_config(label).get_models():
                    model._default_manager.using(alias).all().delete()
            User.objects.using(alias).all().delete()
        connections.close_all()


@pytest.fixture
def suite_environment() -> dict[str, str]:
    """Give what a process needs in its environment to find the test's own databases."""
    names = {"default": "JOBQUEUE_TEST_APP", "jobs": "JOBQUEUE_TEST_JOBS"}
    on_both = {names[alias]: str(connections[alias].settings_dict["NAME"]) for alias in names}
    return {"DJANGO_SETTINGS_MODULE": "tests.aliases.settings", **on_both}


@pytest.fixture
def start_worker(
    transactional_db: None, suite_environment: dict[str, str], tmp_path: Path
) -> Generator[Callable[..., WorkerProcess]]:
    """Give `start_worker(*arguments, env=None)`: `manage.py runworkers …` on the test's own databases."""
    workers: list[WorkerProcess] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> WorkerProcess:
        workers.append(
            WorkerProcess(
                "runworkers",
                *arguments,
                output=tmp_path / f"worker-{len(workers)}.log",
                env={**suite_environment, **(env or {})},
            )
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()
        print(f"\n── {worker!r}\n{worker.output}")


@pytest.fixture
def actors(transactional_db: None) -> Generator[tuple[Actor, Actor]]:
    """Give two actors, whose transactions are on "default"."""
    actors = Actor(), Actor()
    yield actors
    for actor in actors:
        actor.leave()
    for actor in actors:
        actor.join()


class OpenStage(Stage):
    """An executor in the test's own thread, whose connections let the test write but for the time of a run."""

    def listen(self) -> None:
        """Make the executor."""
        super().listen()
        self._performer._others.let_write(connections.settings)

    def run(self, claim: Claim) -> Run:
        """Run a claimed job."""
        try:
            return super().run(claim)
        finally:
            self._performer._others.let_write(connections.settings)


@pytest.fixture
def stage(transactional_db: None) -> Generator[Stage]:
    """Give an executor without a process of its own."""
    before = signal.getsignal(signal.SIGUSR1)
    yield OpenStage("plain")
    signal.signal(signal.SIGUSR1, before)
