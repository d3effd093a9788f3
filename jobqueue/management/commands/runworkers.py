"""`manage.py runworkers`: reads the flags and runs a worker. The worker itself is in jobqueue.worker."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from jobqueue.backend import JobQueueBackend
from jobqueue.database import alias
from jobqueue.errors import NotMigrated
from jobqueue.fields import is_storable
from jobqueue.management import choosing
from jobqueue.management.backends import backend_named
from jobqueue.queues import Queues
from jobqueue.worker import fork_server, reload
from jobqueue.worker.seats import Seats
from jobqueue.worker.supervisor import STOPPING, Settings, Supervisor


class Command(BaseCommand):
    """Run jobs until stopped by SIGTERM or Ctrl-C; a second signal stops without grace."""

    help = "Run jobs until stopped by SIGTERM or Ctrl-C; a second signal stops without grace."
    # Run below: they ask the database, and one that does not answer deserves a sentence, not a traceback.
    requires_system_checks = ()

    _is_the_program = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Note that nobody has called this but a command line."""
        self._is_the_program = True
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the flags."""
        parser.add_argument("--backend", default="default", help="The TASKS alias to work for (default: default).")
        choosing.add_argument(parser, None)
        parser.add_argument(
            "--queues",
            default="",
            help="Queues to serve, as in 'mail=3,bulk-*,!bulk-slow' (default: all).",
        )
        parser.add_argument(
            "--in-order", action="store_true", help="Serve a queue only when those before it are empty."
        )
        parser.add_argument(
            "--concurrency", type=int, default=os.cpu_count() or 1, help="Executors, each a process (default: CPUs)."
        )
        parser.add_argument(
            "--threads", type=int, default=1, metavar="T", help="Jobs that an executor runs at once (default: 1)."
        )
        parser.add_argument(
            "--async-concurrency",
            type=int,
            default=1,
            metavar="N",
            help="Coroutines that an executor runs at once beside those, on one event loop (default: 1, as any job).",
        )
        parser.add_argument("--burst", action="store_true", help="Stop when nothing is due.")
        parser.add_argument("--max-jobs", type=int, help="Replace an executor after so many jobs.")
        parser.add_argument("--max-memory", type=int, metavar="MB", help="Replace an executor that has grown so large.")
        parser.add_argument(
            "--grace", type=float, default=25.0, metavar="S", help="Seconds for running jobs to end (default: 25)."
        )
        parser.add_argument("--name", default="", help="What this worker is called (default: the host's name).")
        parser.add_argument("--reload", action="store_true", default=None, help="Restart when code changes.")
        parser.add_argument("--no-reload", action="store_false", dest="reload", help="Do not (default: as DEBUG).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run a worker."""
        wants_reload = django_settings.DEBUG if options["reload"] is None else options["reload"]
        # A burst ends by itself: nothing to watch for.
        watched = bool(wants_reload and not options["burst"])
        if watched and not reload.is_inner():
            raise SystemExit(reload.run_outer())
        # As a program of its own it obeys to the end: a second Ctrl-C in its last moment is not to end in a traceback.
        with choosing.obeyed(options), nullcontext() if self._is_the_program else _handlers_given_back():
            self._run(options, watched=watched)

    def _run(self, options: dict[str, Any], *, watched: bool) -> None:
        backend = backend_named(options["backend"])
        settings = _settings(backend, options)
        fork_server.start_early()
        _require_database()
        if not options.get("skip_checks"):
            self.check()
        _require_migrations()
        supervisor = Supervisor(backend, settings)
        watcher = reload.Watcher(supervisor.stop) if watched else None
        supervisor.run()
        if watcher is not None:
            watcher.exit_if_changed()


@contextmanager
def _handlers_given_back() -> Iterator[None]:
    """Leave who has called the command, a test perhaps, with the signal handlers that it had."""
    threaded = threading.current_thread() is not threading.main_thread()
    before = {} if threaded else {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # Else it was not Python's.
                signal.signal(number, handler)


def _settings(backend: JobQueueBackend, options: dict[str, Any]) -> Settings:
    queues = list(dict.fromkeys(name.strip() for name in options["queues"].split(",") if name.strip()))
    try:
        Queues(queues, known=backend.queues)
    except ValueError as error:
        raise CommandError(str(error)) from error
    for name, least in _LEAST:
        if options[name] is not None and not options[name] >= least:
            raise CommandError(f"--{name.replace('_', '-')} must be {least} or more, not {options[name]}.")
    if not is_storable(options["name"]):
        raise CommandError(f"--name must be a text that a database stores, not {options['name']!r}.")
    memory = options["max_memory"]
    return Settings(
        queues=queues or sorted(backend.queues),
        in_order=options["in_order"],
        concurrency=options["concurrency"],
        seats=Seats(threads=options["threads"], coroutines=options["async_concurrency"]),
        burst=options["burst"],
        max_jobs=options["max_jobs"],
        max_memory=None if memory is None else memory * 1024 * 1024,
        grace=options["grace"],
        name=options["name"],
    )


_LEAST = (
    ("concurrency", 1),
    ("threads", 1),
    ("async_concurrency", 1),
    ("max_jobs", 1),
    ("max_memory", 1),
    ("grace", 0),
)


def _require_database() -> None:
    try:
        connections[alias()].ensure_connection()
    except OperationalError as error:
        raise CommandError(f"The database does not answer: {str(error).strip()}") from error


def _require_migrations() -> None:
    executor = MigrationExecutor(connections[alias()])
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "jobqueue"]
    if executor.migration_plan(targets):
        raise CommandError(str(NotMigrated(f"{NotMigrated.__doc__} (The jobs are on the alias {alias()!r}.)")))
