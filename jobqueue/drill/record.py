"""What really happened: lines that the bodies of jobs append to a plain file, outside of any transaction and any queue.

``start`` a run began · ``work`` it is in the middle, where the drill breaks it · ``write`` it is about to add to its
counter · ``end`` it is through (the naive queue alone can tell) · ``up`` a worker is ready (likewise).

Times are of the monotonic clock, which all processes of one machine share.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from .plan import current


class Event(NamedTuple):
    """One line of the record."""

    what: str
    counter: str
    pid: int
    at: float


def _directory() -> Path:
    return Path(current().directory)


def note(what: str, counter: str = "-") -> None:
    """Append a line."""
    line = f"{what} {counter} {os.getpid()} {time.monotonic()}\n"
    # Appending one short line is one write, which no other process can come in between of.
    with (_directory() / "record").open("ab", buffering=0) as record:
        record.write(line.encode())


def events(what: str, counter: str = "-") -> list[Event]:
    """Return the lines of one kind about one counter, in the order in which they were written."""
    try:
        lines = (_directory() / "record").read_text().splitlines()
    except FileNotFoundError:
        return []
    found = (line.split() for line in lines if line.startswith(f"{what} {counter} "))
    return [Event(what, counter, int(pid), float(at)) for what, counter, pid, at in found]


def say_enough(counter: str) -> None:
    """Let the work of a counter's jobs, now and later, be over at once."""
    (_directory() / f"enough-{counter}").touch()


def work(counter: str, seconds: float) -> None:
    """Take so many seconds, or until the drill has said that it is enough."""
    note("work", counter)
    enough = _directory() / f"enough-{counter}"
    over = time.monotonic() + seconds
    while time.monotonic() < over and not enough.exists():
        time.sleep(0.02)
