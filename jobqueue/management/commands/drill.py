"""`manage.py drill`: checks that a drill can be held here, and starts it. The drill itself is in jobqueue.drill."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import uuid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from jobqueue.backend import JobQueueBackend
from jobqueue.database import alias
from jobqueue.drill.plan import FAULTS, NAIVE_FAULTS, Plan
from jobqueue.leases import LeasesUnavailable
from jobqueue.management.backends import backend_named


class Command(BaseCommand):
    """Break workers on purpose, on these settings, and look whether the counters are right."""

    help = (
        "Break workers on purpose, on these settings but in a database and a key prefix of the drill's own, and look "
        "whether the counters are right. Exit status: 0 right, 1 wrong, 2 the drill could not be held."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the flags."""
        parser.add_argument("--backend", default="default", help="The TASKS alias to drill (default: default).")
        parser.add_argument(
            "--only", action="append", choices=FAULTS, metavar="FAULT", help=f"One of {', '.join(FAULTS)}; repeatable."
        )
        parser.add_argument("--lease", type=_lease, default=2.0, metavar="S", help="Lease in seconds (default: 2).")
        parser.add_argument(
            "--naive", action="store_true", help="Drill a queue with a lock that expires instead: it gets it wrong."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document instead of the table.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold the drill and exit with its status."""
        backend = _backend(options["backend"])
        _check_database()
        _check_redis(backend)
        number = secrets.token_hex(4)
        # Short, for the sockets of the workers are in it, and the path of a socket has to be.
        directory = os.path.join(tempfile.gettempdir(), f"drill-{number}")
        # A user who may create databases for Django's test runner may often do so for no other names than these.
        name = f"test_jobqueue_drill_{number}"
        plan = Plan(
            settings=_settings_module(),
            backend=backend.alias,
            database=alias(),
            name=os.path.join(directory, name) if connections[alias()].vendor == "sqlite" else name,
            key_prefix=f"{backend.settings.key_prefix[:80]}:drill-{number}",
            directory=directory,
            lease_seconds=options["lease"],
            faults=_faults(options["only"], naive=options["naive"]),
            naive=options["naive"],
            json=options["json"],
        )
        status = _hold(plan)
        if status < 0:
            raise CommandError(f"The drill was killed (signal {-status}) and left {plan.name} behind.", returncode=2)
        if status:
            raise SystemExit(status)


def _hold(plan: Plan) -> int:
    """Run the drill in a process on its own settings and return its exit status."""
    environment = {**os.environ, **plan.environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # Its standard input ends when this process does, and the drill with it.
    command = [sys.executable, "-m", "jobqueue.drill"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:  # noqa: S603  (our own)
        for number in (signal.SIGINT, signal.SIGTERM):
            # It takes down what it made, and this process waits for that.
            signal.signal(number, lambda number, _: process.send_signal(number))
        return process.wait()


def _faults(only: list[str] | None, *, naive: bool) -> tuple[str, ...]:
    known = NAIVE_FAULTS if naive else FAULTS
    for name in only or ():
        if name not in known:
            raise _cannot(f"the naive queue can be drilled with {', '.join(known)}, not with {name}")
    return tuple(fault for fault in known if fault in (only or known))


def _lease(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"the lease is a number of seconds from 1 to 3600, not {text!r}")
    return seconds


def _settings_module() -> str:
    module: str | None = getattr(settings, "SETTINGS_MODULE", None)
    if not module:
        raise _cannot("the workers of the drill need DJANGO_SETTINGS_MODULE; settings.configure() does not reach them")
    return module


def _backend(name: str) -> JobQueueBackend:
    try:
        return backend_named(name)
    except CommandError as error:
        raise _cannot(str(error)) from error


def _check_database() -> None:
    connection = connections[alias()]
    if connection.vendor not in ("sqlite", "postgresql", "mysql"):
        raise _cannot(
            f"jobqueue knows PostgreSQL, MariaDB, MySQL and SQLite, and DATABASES[{alias()!r}] is none of them"
        )
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
        raise _cannot(
            f"DATABASES[{alias()!r}] is an SQLite database in memory, which workers cannot see: it needs a file"
        )


def _check_redis(backend: JobQueueBackend) -> None:
    errors = [message for message in backend.check() if message.is_serious()]
    if errors:
        raise _cannot("\n".join(f"{error.msg} {error.hint}" for error in errors))
    leases = backend.leases()
    if leases is not None:
        try:
            leases.read([uuid.uuid4()])
        except LeasesUnavailable as error:
            raise _cannot(f"Redis (CACHES[{backend.settings.redis!r}]) does not answer: {error}") from error


def _cannot(why: str) -> CommandError:
    return CommandError(f"The drill cannot be held: {why.rstrip('.')}.", returncode=2)
