"""`manage.py drill` as a user starts it, and what it must not leave behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180.0


class Drill:
    """One drill, in a session of its own, with a directory of its own for temporary files."""

    def __init__(self, directory: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._file, self._errors = directory / "output", directory / "errors"
        self._temporary = directory / "tmp"
        self._temporary.mkdir()
        with self._file.open("wb") as file, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "drill", *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "TMPDIR": str(self._temporary),
                    **(env or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far, and behind that what it has complained of."""
        return self.printed + self._errors.read_text(errors="replace")

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._file.read_text(errors="replace")

    def wait(self) -> int:
        """Return the exit status; the output is shown should the test fail."""
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
            print(self.output)

    def wait_until_under_way(self) -> None:
        """Wait until a job of the drill has begun."""
        wait_until(lambda: "\nstart " in f"\n{self._record()}", 60.0)

    def lines(self) -> list[list[str]]:
        """Return the table, a list of columns for each job; a column is what two or more spaces end."""
        table = self.output.partition("found\n")[2].partition("\n\n")[0]
        return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()]

    def leftovers(self) -> list[str]:
        """Return whatever of this drill is still there: files, a database, keys, processes."""
        number = re.search(r"test_jobqueue_drill_(\w{8})", self.output)
        assert number is not None, self.output
        return [
            *map(str, self._temporary.iterdir()),
            *(name for name in _databases() if number[1] in name),
            *(name for name in _keys() if number[1] in name),
            *_processes(number[1]),
        ]

    def end(self) -> None:
        """End it by force, if it is still running."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(SECONDS)

    def _record(self) -> str:
        return "".join(path.read_text() for path in self._temporary.glob("drill-*/record"))


def _databases() -> list[str]:
    if connection.vendor == "sqlite":
        return []  # A file in the temporary directory.
    catalogue = {"postgresql": "SELECT datname FROM pg_database", "mysql": "SHOW DATABASES"}
    with connection.cursor() as cursor:
        cursor.execute(catalogue[connection.vendor])
        return [row[0] for row in cursor.fetchall()]


def _keys() -> list[str]:
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        return list(client.scan_iter("*drill-*", count=1000))


def _processes(number: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"drill-{number}".encode() in path.read_bytes():
                found.append((path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # Another's, or gone meanwhile.
    return found
