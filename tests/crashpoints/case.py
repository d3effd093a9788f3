"""One fault at one point: a victim that comes to it, and what others make of what it leaves behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connection

from tests.crashpoints.children import Child, Nursery, state_of
from tests.faults.world import World
from tests.waiting import wait_until

# Shorter than any that users can have: most of the sweep is waiting for it.
LEASE_SECONDS = 0.5
_FLAGS = ("--concurrency", "1", "--grace", "1", "--no-reload")


class Case:
    """A small world, and a process in it to which something happens at a point."""

    victim: Child

    def __init__(self, nursery: Nursery, directory: Path, backend: str) -> None:
        self.backend = backend
        self.world = World(directory, _no_worker, backend)
        self.children: list[Child] = []
        self._nursery = nursery
        self._directory = directory

    # -- who is there --------------------------------------------------------------------------

    def start_victim(self, deed: str, *arguments: Any, order: str) -> None:
        """Start the process to which it happens; the first of it that comes to the point, and no other."""
        through = f"report.before=delay:0,role=executor,marker={self._directory}/through"
        order = f"{order},marker={self._marker}; {through}"
        self.victim = self._start(deed, *arguments, env={"JOBQUEUE_POINT": order})

    def start_worker_victim(self, *flags: str, order: str, lease: float = LEASE_SECONDS) -> None:
        """Start a worker as the victim."""
        self.start_victim("work", lease, self.backend, *_FLAGS, *flags, order=order)

    def start_rescuer(self) -> Child:
        """Start a worker that no harm comes to."""
        return self._start("work", LEASE_SECONDS, self.backend, *_FLAGS, "--name", "rescuer", env={})

    def _start(self, deed: str, *arguments: Any, env: dict[str, str]) -> Child:
        output = self._directory / f"{deed}-{len(self.children)}.log"
        env = {"JOBQUEUE_TEST_RECORD": str(self.world.record), **env}
        self.children.append(Child(self._nursery, deed, *arguments, env=env, output=output))
        return self.children[-1]

    # -- what happens --------------------------------------------------------------------------

    @property
    def _marker(self) -> Path:
        return self._directory / "reached"

    def wait_reached(self) -> int:
        """Wait until the victim, or a child of it, is at the point; return which process it is."""

        def reached() -> bool:
            ended = self.victim.poll() is not None
            if self._marker.exists() and self._marker.read_text().endswith("\n"):
                return True
            assert not ended, f"The point was never reached: {self.victim!r}"
            return False

        wait_until(reached, 30.0, every=0.01)
        return int(self._marker.read_text().split()[0])

    def freeze_all(self, pid: int) -> bool:
        """Stop the victim and its children, too; return whether others can write to the database all the same."""
        # It has said that it is at the point; stopped any earlier, it would stop once more when it is thawed.
        wait_until(lambda: state_of(pid) == "T", every=0.01)
        self.victim.freeze()
        file = connection.settings_dict["NAME"]
        if connection.vendor != "sqlite":
            return True
        # While who is at the point has SQLite's lock, nobody can. To let the others go on would only have them see
        # that it is frozen, and kill it.
        for _ in range(200):
            if _has_write_lock(pid, file):
                return False
            if _can_write(file):
                return True
            # The others write for a moment, and are not to be stopped in it: who is thawed first would wait for them.
            self.victim.thaw(but=pid)
            time.sleep(0.01)
            self.victim.freeze()
        raise AssertionError("Somebody keeps the lock of the database who is not at the point.")

    def let_lease_pass(self) -> None:
        """Wait for as long as others wait for a sign of life."""
        time.sleep(1.2 * LEASE_SECONDS)

    def thaw(self, pid: int) -> None:
        """Let the process go on that was frozen, and when it is through with its job, or has ended, all the others."""
        if pid != self.victim.pid:
            os.kill(pid, signal.SIGCONT)
            through = self._directory / "through"
            wait_until(lambda: through.exists() or state_of(pid) in "ZX", 20.0, every=0.01)
        self.victim.thaw()

    def close(self) -> None:
        """End whoever is left."""
        self.world.let_go()
        for child in self.children:
            child.end()


def _no_worker(*_: Any, **__: Any) -> Any:
    raise AssertionError("A case starts its workers itself.")


def _has_write_lock(pid: int, file: str) -> bool:
    """Return whether a process has SQLite's write lock, which is that of a byte of the index of the WAL."""
    shared = Path(f"{file}-shm")
    if not shared.exists():  # Nobody has it open.
        return False
    index = f":{shared.stat().st_ino}"
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    # Number, kind, whether it is enforced, mode, process, device and file, first byte, last byte.
    return any(lock[3:5] == ["WRITE", str(pid)] and lock[5].endswith(index) and lock[6] == "120" for lock in locks)


def _can_write(file: str) -> bool:
    """Return whether nobody keeps SQLite's write lock; to be asked while nobody else is there but the frozen."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True
