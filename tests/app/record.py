"""What really happened: lines that bodies append to a file, outside of any transaction and of any queue.

``start`` a body began · ``write`` it is about to write · other words as a task needs them. Times are Unix times.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple


class Note(NamedTuple):
    """One line: which process said what, and when."""

    what: str
    pid: int
    at: float


def note(file: str, what: str) -> None:
    """Append a line."""
    # One short line is one write, which no other process can come in between of.
    with Path(file).open("ab", buffering=0) as record:
        record.write(f"{what} {os.getpid()} {time.time()}\n".encode())


def notes(file: str, what: str) -> list[Note]:
    """Return the lines that begin with that word, in the order in which they were written."""
    try:
        lines = Path(file).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = (line.split() for line in lines)
    return [Note(word, int(pid), float(at)) for word, pid, at in found if word == what]


def open_gate(file: str, pid: int | None = None) -> None:
    """Let every body of this record go on, now and later; or the one in that process alone."""
    _gate(file, pid).touch()


def wait_at_gate(file: str, seconds: float) -> None:
    """Wait until the gate is open, or so many seconds."""
    gates, over = (_gate(file), _gate(file, os.getpid())), time.monotonic() + seconds
    while time.monotonic() < over and not any(gate.exists() for gate in gates):
        time.sleep(0.02)


def _gate(file: str, pid: int | None = None) -> Path:
    return Path(f"{file}.open{'' if pid is None else f'-{pid}'}")
