"""Processes as the system sees them: who lives, and who descends from whom."""

from __future__ import annotations

import subprocess
from typing import NamedTuple


class _Process(NamedTuple):
    parent: int
    state: str


def _processes() -> dict[int, _Process]:
    lines = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    return {int(pid): _Process(int(parent), state) for pid, parent, state in map(str.split, lines.splitlines())}


def living(pids: set[int]) -> set[int]:
    """Return those of the processes that have not ended; one that only waits to be reaped has."""
    return {pid for pid, process in _processes().items() if pid in pids and not process.state.startswith("Z")}


def descendants(pid: int) -> set[int]:
    """Return the children of a process, their children, and so on."""
    processes = _processes()
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {child for child, process in processes.items() if process.parent in fresh} - found
        found |= fresh
    return found
