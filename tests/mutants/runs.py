"""Runs killers on their mutants: one pytest process for each mutant, database and settings, several at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.mutants import verdicts
from tests.mutants.databases import Database, needed, places
from tests.mutants.hook import LOADED, MUTANT
from tests.mutants.mutant import Killer, Mutant

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 240.0
_SECONDS_TO_CLEAN_UP = 30.0
_MOST_LINES = 60
# Killers do without them, and to load them takes half of the time that a process needs to begin.
_IDLE_PLUGINS = ("xdist", "xdist.looponfail", "cacheprovider", "hypothesispytest", "valkey")
NEEDS = "needs "


class Row(NamedTuple):
    """What a killer did to its mutant: "killed", or what happened instead."""

    mutant: Mutant
    killer: Killer
    database: Database | None
    word: str
    seconds: float


class Group(NamedTuple):
    """What one process does."""

    mutant: Mutant
    database: Database
    settings: str
    killers: tuple[Killer, ...]

    @property
    def weight(self) -> int:
        """A guess at how long it takes: processes wait for leases to lapse."""
        return sum(10 if killer.test.startswith("tests/process/") else 1 for killer in self.killers)


def plan(mutants: Iterable[Mutant], there: list[Database], *, everywhere: bool) -> tuple[list[Group], list[Row]]:
    """Return what there is to do, the longest first, and the killers that no database there is fits."""
    killers: dict[tuple[Mutant, Database, str], list[Killer]] = {}
    homeless = []
    for mutant in mutants:
        for killer in mutant.killers:
            found = places(killer, there, everywhere=everywhere)
            for database in found:
                killers.setdefault((mutant, database, killer.settings), []).append(killer)
            if not found:
                homeless.append(Row(mutant, killer, None, NEEDS + needed(killer.on), 0.0))
    groups = [Group(*what, tuple(some)) for what, some in killers.items()]
    return sorted(groups, key=lambda group: -group.weight), homeless


def run(groups: Iterable[Group], *, jobs: int, redis_url: str) -> Iterator[list[Row]]:
    """Yield the rows of each group, in the order in which they end."""
    with ThreadPoolExecutor(jobs) as threads:
        for done in as_completed([threads.submit(_run, group, redis_url) for group in groups]):
            yield done.result()


def _run(group: Group, redis_url: str) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="jobqueue-mutant-") as directory:
        written = Path(directory) / "verdicts"
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            **group.database.environment,
            "REDIS_URL": redis_url,
            MUTANT: group.mutant.name,
            LOADED: str(Path(directory) / "loaded"),
            verdicts.VERDICTS: str(written),
        }
        output = _pytest([f"--ds={group.settings}", *(killer.test for killer in group.killers)], environment)
        phases = verdicts.read(written)
    rows = []
    for killer in group.killers:
        word = verdicts.word_of(killer, phases, group.mutant.files)
        seconds = sum(phase.seconds for phase in phases if phase.test == killer.test)
        rows.append(Row(group.mutant, killer, group.database, word, seconds))
    if any(row.word != "killed" for row in rows):
        end = "\n".join(output.splitlines()[-_MOST_LINES:])
        print(f"\n── {group.mutant.name}, {group.database}\n{end}\n", file=sys.stderr, flush=True)
    return rows


def _is_ours(name: str) -> bool:
    return name == "DATABASE_URL" or name.startswith(("JOBQUEUE_", "PYTEST_"))


def _pytest(arguments: list[str], environment: dict[str, str]) -> str:
    """Run tests and return what pytest wrote; one that does not end is interrupted, then killed."""
    options = [f"-pno:{plugin}" for plugin in _IDLE_PLUGINS]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "-p", "tests.mutants.verdicts", "-q", "--tb=short", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for seconds, number in ((_SECONDS, signal.SIGINT), (_SECONDS_TO_CLEAN_UP, signal.SIGKILL)):
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=seconds)[0]
        process.send_signal(number)
    return process.communicate()[0]
