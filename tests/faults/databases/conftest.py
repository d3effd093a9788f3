"""A network between the test and its database that can be broken, and servers of a test's own."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.database_server import OwnMariaDB, OwnPostgres, OwnServer, ServerMissing
from tests.effects.emptied import empty
from tests.effects.emptied import transactional_db as transactional_db
from tests.proxy import Proxy


@pytest.fixture
def straight(transactional_db: None) -> Generator[BaseDatabaseWrapper]:
    """Give a connection to the test's database that no fault can touch."""
    other = connection.copy()
    yield other
    other.close()


@pytest.fixture
def proxy(straight: BaseDatabaseWrapper) -> Generator[Proxy]:
    """Have this process's connections go by way of a proxy; workers are given its URL. There is none to a file."""
    place = connection.settings_dict
    before = place["HOST"], place["PORT"]
    with Proxy(os.environ["DATABASE_URL"]) as proxy:
        connections.close_all()
        place["HOST"], place["PORT"] = "127.0.0.1", str(proxy.port)
        yield proxy
        connections.close_all()
    place["HOST"], place["PORT"] = before


@pytest.fixture(scope="session")
def _server(django_db_setup: None, django_db_blocker: Any) -> Generator[OwnServer]:
    """Make a server of the kind that the suite runs on, with our tables in it; that takes some seconds."""
    try:
        server: OwnServer = OwnPostgres() if connection.vendor == "postgresql" else OwnMariaDB()
    except ServerMissing as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))
    try:
        server.start()
        with django_db_blocker.unblock(), _pointed_at(server):
            call_command("migrate", run_syncdb=True, verbosity=0)
        yield server
    finally:
        server.close()


@pytest.fixture
def server(_server: OwnServer, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Generator[OwnServer]:
    """Give a server that the test may break; its connections and those of its workers go there."""
    if not _server.is_running():
        _server.start()
    monkeypatch.setenv("DATABASE_URL", _server.url)
    with _pointed_at(_server):
        empty()
        yield _server


@contextmanager
def _pointed_at(server: OwnServer) -> Iterator[None]:
    place = connection.settings_dict
    before = {name: place[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
    connections.close_all()
    place.update(HOST="127.0.0.1", PORT=str(server.port), USER=server.user, PASSWORD="", NAME="jobqueue")
    try:
        yield
    finally:
        connections.close_all()
        place.update(before)
