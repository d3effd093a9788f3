"""Runs chapters: one process for each database, all databases at once, until the time is over."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .house import RESULT
from .plan import Plan

ROOT = Path(__file__).resolve().parents[2]
# A chapter takes as long as every fault and every defence need for their turn, which is longer on a busy machine.
_AT_MOST_TIMES, _MORE_SECONDS = 3, 600.0
_SAID = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for."""

    databases: Sequence[str]
    seed: int
    seconds: float
    chapter_seconds: float
    first_chapter: int = 0
    faults: tuple[str, ...] = ()
    unfenced: bool = False
    keep: bool = False

    @property
    def chapters(self) -> range:
        """The numbers of the chapters, on each database."""
        count = max(1, round(self.seconds / self.chapter_seconds))
        return range(self.first_chapter, self.first_chapter + count)


class Runner:
    """Runs what was asked for; an interrupt ends all of it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._houses: set[subprocess.Popen[bytes]] = set()
        self._interrupted = threading.Event()

    def run(self) -> dict[str, Any]:
        """Return what all chapters have found; raises KeyboardInterrupt, when everything has ended."""
        order, began = self._order, time.time()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with concurrent.futures.ThreadPoolExecutor(len(order.databases)) as pool:
            try:
                chapters = [chapter for some in pool.map(self._on, order.databases) for chapter in some]
            except KeyboardInterrupt:
                self._interrupted.set()
                for house in list(self._houses):
                    house.terminate()
                raise
        return {
            "seed": order.seed,
            "seconds": order.seconds,
            "chapter_seconds": order.chapter_seconds,
            "databases": list(order.databases),
            "faults": list(order.faults),
            "began": began,
            "took": time.time() - began,
            "chapters": chapters,
        }

    def _on(self, database: str) -> list[dict[str, Any]]:
        return [self._chapter(database, number) for number in self._order.chapters if not self._interrupted.is_set()]

    def _chapter(self, database: str, number: int) -> dict[str, Any]:
        directory = Path(tempfile.mkdtemp(prefix=f"soak-{database}-{self._order.seed}-{number}-"))
        self._live(self._plan(database, number, directory))
        found = _found(directory) or {"wrong": [f"The chapter did not come to its end:\n{_last_words(directory)}"]}
        found |= {"database": database, "chapter": number}
        if (found["wrong"] or self._order.keep) and not self._interrupted.is_set():
            found["kept"] = str(directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
        faults, wrong = sum(found.get("faults", {}).values()), len(found["wrong"])
        counts = f"{found.get('jobs', 0):,} jobs, {faults} faults, {wrong} wrong, {found.get('seconds', 0):.0f} s"
        print(f"{database}, chapter {number}: {counts}.", flush=True)
        return found

    def _plan(self, database: str, number: int, directory: Path) -> Plan:
        return Plan(
            database=database,
            name=f"{directory}/soak.sqlite3" if database == "sqlite" else "jobqueue",
            directory=str(directory),
            seed=self._order.seed,
            chapter=number,
            seconds=self._order.chapter_seconds,
            faults=self._order.faults,
            unfenced=self._order.unfenced,
        )

    def _live(self, plan: Plan) -> None:
        with (Path(plan.directory) / "house.log").open("wb") as log:
            house = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.house"],
                cwd=ROOT,
                env={**os.environ, **plan.environment(), "JOBQUEUE_TEST_DIRECTORY": plan.directory},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal reaches a whole group: what ends this is the runner.
                start_new_session=True,
            )
        self._houses.add(house)
        try:
            house.wait(_AT_MOST_TIMES * plan.seconds + _MORE_SECONDS)
        except subprocess.TimeoutExpired:
            house.terminate()
            house.wait()
        self._houses.discard(house)


def _found(directory: Path) -> dict[str, Any] | None:
    result = directory / RESULT
    found: dict[str, Any] | None = json.loads(result.read_text()) if result.exists() else None
    return found


def _last_words(directory: Path) -> str:
    return (directory / "house.log").read_text(errors="replace")[-_SAID:]
