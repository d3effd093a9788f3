"""What the operating system says of a process: its command line, parent, group, and whether it is stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def command_line(pid: int) -> str:
    """Return the command line of a process, '' when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return _ps(pid, "command")


def is_child_of(pid: int, ancestor: int) -> bool:
    """Whether a process was started by another, or by a child of it."""
    # Eight generations are more than a worker has, and an end to the search whatever the system says.
    for _ in range(8):
        pid = _parent(pid)
        if pid == ancestor:
            return True
        if pid <= 1:
            break
    return False


def is_group_leader(pid: int) -> bool:
    """Whether a process has a process group of its own, which it shares with its children alone."""
    try:
        return os.getpgid(pid) == pid
    except ProcessLookupError:
        return False


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal, and not yet told to go on."""
    return _stat(pid, "stat", 0).startswith("T")


def _parent(pid: int) -> int:
    """Return the pid of the parent, 0 when the process is gone."""
    return int(_stat(pid, "ppid", 1) or 0)


def _stat(pid: int, column: str, place: int) -> str:
    try:
        # "pid (name) state ppid …", and the name may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[place]
    except OSError:
        return _ps(pid, column)


def _ps(pid: int, column: str) -> str:
    """Ask ps, where there is no /proc."""
    try:
        answer = subprocess.run(["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
