"""Processor time and memory of processes, from /proc."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """A process: its parent, its processor time so far, and that of its children that have ended, in seconds."""

    pid: int
    parent: int
    cpu: float
    cpu_of_dead_children: float


def _read(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    user, system, dead_user, dead_system = (int(field) / _TICK for field in fields[11:15])
    return Process(pid, int(fields[1]), user + system, dead_user + dead_system)


def tree(roots: Iterable[int]) -> list[Process]:
    """Return these processes and all that descend from them."""
    children: dict[int, list[Process]] = defaultdict(list)
    known: dict[int, Process] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read(int(name))):
            known[process.pid] = process
            children[process.parent].append(process)

    def below(process: Process) -> Iterator[Process]:
        yield process
        for child in children[process.pid]:
            yield from below(child)

    return [process for root in roots if root in known for process in below(known[root])]


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the processor time of these processes and all that descend from them, the dead among them too."""
    return sum(process.cpu + process.cpu_of_dead_children for process in tree(roots))


def memory_mb(roots: Iterable[int]) -> float:
    """Return the proportional set size of a process tree in MB: a page shared by n processes counts 1/n for each."""
    return sum(_pss_kb(process.pid) for process in tree(roots)) / 1000 * 1.024


def _pss_kb(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
