"""How many bodies have run, told by the bodies themselves through shared memory: it costs them under a microsecond.

Every thread of every worker has a file of its own in the directory BENCH_TALLY, so nothing is ever lost to a race. It
works alike for queues that keep a record of what they did and for queues that do not.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from array import array
from pathlib import Path
from typing import Any

_mine = threading.local()


def count() -> None:
    """Count one body, in a worker."""
    try:
        _mine.slot[0] += 1
    except AttributeError:
        _mine.slot = _new_slot()
        _mine.slot[0] += 1


def note(seconds: float) -> None:
    """Note a latency, in a worker."""
    with _file("latency").open("ab") as file:
        file.write(struct.pack("d", seconds))


def _file(kind: str) -> Path:
    return Path(os.environ["BENCH_TALLY"]) / f"{os.getpid()}-{threading.get_native_id()}.{kind}"


def _new_slot() -> Any:
    path = _file("count")
    path.write_bytes(bytes(8))
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")


class Tally:
    """The counts of a group of workers, as the harness reads them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    def total(self) -> int:
        """Return how many bodies have run."""
        return sum(int.from_bytes(path.read_bytes(), "little") for path in self.directory.glob("*.count"))

    def processes(self) -> set[int]:
        """Return the pids of the processes that have run one."""
        return {int(path.name.partition("-")[0]) for path in self.directory.glob("*.count")}

    def latencies(self) -> list[float]:
        """Return the latencies that were noted, in seconds, in no order, and forget them."""
        found = array("d")
        for path in self.directory.glob("*.latency"):
            found.frombytes(path.read_bytes())
            path.unlink()
        return list(found)
