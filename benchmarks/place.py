"""One queue on its servers: its database, its environment, its client and its workers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .catalogue import Queue
from .databases import Database
from .environment import ROOT
from .processes import Client, Stuck, Workers
from .servers.programs import Missing


@dataclass
class Place:
    """Where a queue is measured. `servers` are the pids of its servers by kind, of those that are ours."""

    queue: Queue
    database: Database
    redis_url: str
    python: str
    directory: Path
    servers: Mapping[str, int]

    @cached_property
    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),  # Some queues start processes of their own that know no current directory.
            "BENCH_QUEUE": self.queue.name,
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis_url,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        }

    def prepare(self) -> None:
        """Make the database and its tables."""
        self.database.create()
        done = subprocess.run(
            [self.python, "-m", "benchmarks.manage", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Missing(f"The tables of {self.queue.name} could not be made:\n{done.stderr.strip()}")
        self.database.ask("INSERT INTO app_counter (id, value) VALUES (1, 0)")

    def clear(self) -> None:
        """Remove all jobs, set the counter to 0, and let the server finish what it has begun."""
        self.database.empty(*self.queue.tables)
        self.database.ask("UPDATE app_counter SET value = 0")
        self.database.settle_down()

    def counter(self) -> int:
        """Return the counter."""
        return int(self.database.ask("SELECT value FROM app_counter WHERE id = 1")[0][0])

    def told_by(self, module: str, *arguments: str, **env: str) -> dict[str, Any]:
        """Return the figures that a program prints, as JSON in its last line; raises Stuck when it fails.

        In a process of its own: it needs settings, which this one must not load.
        """
        done = subprocess.run(
            [self.python, "-m", module, *arguments],
            cwd=ROOT,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Stuck(f"{module} failed:\n{done.stderr[-3000:]}")
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures

    def wait_until_settled(self, *, seconds: float = 120) -> None:
        """Wait until the queue itself says that nothing is left to do; raises Stuck."""
        deadline = time.monotonic() + seconds
        while self.queue.unfinished and self.database.ask(self.queue.unfinished):
            if time.monotonic() > deadline:
                raise Stuck(f"{self.queue.name} has run all jobs but some are not finished.")
            time.sleep(0.004)

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Have a process that enqueues."""
        client = Client(self.python, self.queue.module, env=self.env, log=self.directory / "client.log")
        try:
            yield client
        finally:
            client.stop()

    @contextlib.contextmanager
    def workers(
        self, client: Client, *, times: int = 1, arguments: Sequence[str] = (), processes: int = 0
    ) -> Iterator[Workers]:
        """Have workers that are warm: every process has run something, or as many as there are with `arguments`."""
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            commands = [[self.python, "-m", *command, *arguments] for command in self.queue.workers * times]
            workers = Workers(commands, env=self.env, directory=Path(directory))
            try:
                _warm_up(workers, client, processes=processes or self.queue.processes * times)
                self.wait_until_settled()
                yield workers
            finally:
                workers.stop()


def _warm_up(workers: Workers, client: Client, *, processes: int, seconds: float = 60) -> None:
    deadline, count = time.monotonic() + seconds, 0
    # Jobs that take a moment reach every process; quick ones might all be done by one.
    while len(workers.tally.processes()) < processes:
        if time.monotonic() > deadline:
            raise Stuck(f"Only {len(workers.tally.processes())} of {processes} processes run jobs:\n{workers.said()}")
        client.enqueue("snooze", 4 * processes, 0.02)
        count += 4 * processes
        workers.wait_for(count)
    client.enqueue("noop", 200)
    workers.wait_for(count + 200)
