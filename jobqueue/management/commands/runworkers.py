"""`manage.py runworkers`: reads the flags and runs a worker. The worker itself is in jobqueue.worker."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.tasks import task_backends
from django.tasks.exceptions import InvalidTaskBackend

from jobqueue.backend import JobQueueBackend
from jobqueue.conf import suggestion
from jobqueue.database import alias
from jobqueue.errors import NotMigrated
from jobqueue.worker import fork_server, reload
from jobqueue.worker.supervisor import Settings, Supervisor


class Command(BaseCommand):
    """Run jobs until stopped by SIGTERM or Ctrl-C; a second signal stops without grace."""

    help = "Run jobs until stopped by SIGTERM or Ctrl-C; a second signal stops without grace."
    # Run below: they ask the database, and one that does not answer deserves a sentence, not a traceback.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the flags."""
        parser.add_argument("--backend", default="default", help="The TASKS alias to work for (default: default).")
        parser.add_argument("--queues", default="", help="Queues to serve, as in a,b (default: all of the backend's).")
        parser.add_argument(
            "--concurrency", type=int, default=os.cpu_count() or 1, help="Executors, each a process (default: CPUs)."
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
        if wants_reload and not options["burst"]:
            if not reload.is_inner():
                raise SystemExit(reload.run_outer())
            self._run(options, watched=True)
        else:
            self._run(options, watched=False)

    def _run(self, options: dict[str, Any], *, watched: bool) -> None:
        backend = _backend(options["backend"])
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


def _backend(name: str) -> JobQueueBackend:
    try:
        backend = task_backends[name]
    except InvalidTaskBackend as error:
        raise CommandError(str(error)) from error
    if not isinstance(backend, JobQueueBackend):
        raise CommandError(f"TASKS[{name!r}] is a {type(backend).__name__}; workers need a JobQueueBackend.")
    return backend


def _settings(backend: JobQueueBackend, options: dict[str, Any]) -> Settings:
    queues = list(dict.fromkeys(name.strip() for name in options["queues"].split(",") if name.strip()))
    for name in queues:
        if backend.queues and name not in backend.queues:
            raise CommandError(f"There is no queue {name!r}.{suggestion(name, backend.queues)}")
    for name, least in (("concurrency", 1), ("max_jobs", 1), ("max_memory", 1), ("grace", 0)):
        if options[name] is not None and not options[name] >= least:
            raise CommandError(f"--{name.replace('_', '-')} must be {least} or more, not {options[name]}.")
    memory = options["max_memory"]
    return Settings(
        queues=queues or sorted(backend.queues),
        concurrency=options["concurrency"],
        burst=options["burst"],
        max_jobs=options["max_jobs"],
        max_memory=None if memory is None else memory * 1024 * 1024,
        grace=options["grace"],
        name=options["name"],
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
        raise CommandError(str(NotMigrated(NotMigrated.__doc__)))
