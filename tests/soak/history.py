"""What really happened: lines that each process appends to a file of its own, outside any transaction and any queue.

Bodies say ``begin``, ``sign`` (while they take their time), ``replay`` (a step that an earlier run did) and ``over``;
what they were ``given`` by jobs they waited for, what came of it when they ``asked`` outside, from which state they
``resumed``, and which they are ``keeping`` and have ``kept``. Receivers of signals say ``heard``; enqueuers say
``sent``, then ``known``, ``undone``, ``unknown``, or ``joined`` (an active job that was there).

Times are of the monotonic clock, which all processes of one machine share. A line is one write: what a killed process
has said is there, and nothing of what it has not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .plan import current


class Line(NamedTuple):
    """One line: which thread of which process said what about which job, and when.

    `number` names the call, `job` the job's id (empty when that is not known), `note` is whatever else there is to say.
    """

    what: str
    pid: int
    at: float
    number: str
    job: str
    note: str
    thread: int = 0


@cache
def _file(pid: int, thread: int) -> int:
    path = directory() / f"{pid}-{thread}-{time.monotonic_ns()}"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def directory() -> Path:
    """Return where the record of this chapter is."""
    return Path(current().directory) / "history"


def say(what: str, number: str, job: object = "", note: object = "") -> None:
    """Append a line. `number` and `job` have no spaces in them."""
    # By its pid: a process that was forked off one that has spoken has a file of its own.
    line = f"{what} {time.monotonic():.6f} {number} {job or '-'} {note}\n"
    os.write(_file(os.getpid(), threading.get_native_id()), line.encode())


def lines(where: Path | None = None) -> Iterator[Line]:
    """Yield all lines, of each thread in the order in which it said them."""
    for file in sorted((where or directory()).iterdir()):
        pid, thread, _ = map(int, file.name.split("-"))
        for text in file.read_text(errors="replace").splitlines():
            what, at, number, job, note = text.split(" ", 4)
            yield Line(what, pid, float(at), number, "" if job == "-" else job, note, thread)
