"""The workers of a chapter: a few slots, in each of which a worker is started anew whenever it has ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from tests.processes import WorkerProcess

from .complaints import last_words
from .plan import Plan

_LOOK_SECONDS = 0.2
_LAST_SECONDS = 10.0
# What makes the slots different: who listens to signals settles each job apart, and who retires executors has new ones;
# one has processes alone, one threads, one coroutines.
_FLAVOURS: tuple[tuple[list[str], dict[str, str]], ...] = (
    ([], {}),
    (["--threads", "2"], {"JOBQUEUE_SOAK_LISTENS": "1"}),
    (["--max-jobs", "500", "--async-concurrency", "4"], {}),
)


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    done = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return sorted(map(int, done.stdout.split()))


def _processes_of(plan: Plan) -> list[str]:
    """Return the workers of a chapter, and their children, by what is in their environment."""
    mark, found = f"{plan.directory}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"JOBQUEUE_SOAK_WORKER=" in (environment := (process / "environ").read_bytes()) and mark in environment:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found.append(f"{process.name} {state} {command}")
    return found


class Slot:
    """A place for one worker."""

    def __init__(self, plan: Plan, index: int, env: dict[str, str]) -> None:
        self.index = index
        self.busy = threading.Lock()
        self.frozen = False
        self.point = ""
        self._plan = plan
        self._env = env
        self._starts = 0
        self.worker = self.start()

    def start(self) -> WorkerProcess:
        """Start a worker, which passes `point` if one is set; the next one will not."""
        arguments, env = _FLAVOURS[self.index % len(_FLAVOURS)]
        env = {**self._env, **env, "JOBQUEUE_SOAK_WORKER": str(self.index)}
        if self.point:
            env["JOBQUEUE_POINT"] = self.point
        self.point, self.frozen = "", False
        log = Path(self._plan.directory) / f"worker-{self.index}-{self._starts}.log"
        self._starts += 1
        self.worker = WorkerProcess(
            "runworkers", "--no-reload", "--grace", "1", "--name", f"soak-{self.index}",
            "--concurrency", str(self._plan.executors), *arguments, output=log, env=env,
        )  # fmt: skip
        self.started_at = time.monotonic()
        return self.worker

    @property
    def pid(self) -> int:
        """The worker's own pid."""
        return self.worker.pid

    def alive(self) -> bool:
        """Return whether the worker runs, and is not frozen by us."""
        return self.worker.poll() is None and not self.frozen

    def fork_server(self) -> int | None:
        """Return the process whose children are the executors."""
        return next((child for child in children(self.pid) if children(child)), None)

    def executors(self) -> list[int]:
        """Return the processes that run jobs."""
        server = self.fork_server()
        return children(server) if server is not None else []

    def freeze(self) -> None:
        """Stop the worker and all its children."""
        self.frozen = True
        self.worker.signal_group(signal.SIGSTOP)

    def freeze_alone(self) -> None:
        """Stop the worker's own process, and let its executors go on."""
        self.frozen = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let everything go on."""
        self.worker.signal_group(signal.SIGCONT)
        self.frozen = False


class Crew:
    """All slots, and a thread that keeps them filled."""

    def __init__(self, plan: Plan, env: dict[str, str]) -> None:
        self._plan = plan
        self.last_words: list[str] = []
        self.slots = [Slot(plan, index, env) for index in range(plan.workers)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="crew", daemon=True)
        self._thread.start()

    def alive(self, pid: int) -> bool:
        """Return whether that worker runs and is not frozen."""
        return any(slot.pid == pid and slot.alive() for slot in self.slots)

    def processes(self) -> list[str]:
        """Return all processes of workers, each with its pid, state and command."""
        return _processes_of(self._plan)

    def end(self) -> list[str]:
        """End all of them for certain; return what processes are there still, which had to die by themselves."""
        self._over.set()
        self._thread.join()
        for slot in self.slots:
            slot.thaw()
            slot.worker.terminate()
        for slot in self.slots:
            slot.worker.end()
        over = time.monotonic() + _LAST_SECONDS
        while (left := self.processes()) and time.monotonic() < over:
            time.sleep(0.1)
        return left

    def _keep(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for slot in self.slots:
                if (code := slot.worker.poll()) is not None and not slot.frozen:
                    self.last_words += filter(None, [last_words(slot.worker.output_file, code)])
                    # What a dead worker leaves must die by itself; nobody may rely on being swept up.
                    slot.start()
