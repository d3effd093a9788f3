"""Real worker processes: started on the running test's database, ended for certain, their output kept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from django.db import connection

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
END_SECONDS = 10.0


class WorkerProcess:
    """One `manage.py` command in a process group of its own; `runworkers` unless another is named."""

    def __init__(self, *arguments: str, output: Path, env: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self.output_file = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONUNBUFFERED": "1",
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "JOBQUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
                    **(env or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def __repr__(self) -> str:
        state = "runs" if self.poll() is None else f"ended with {self.poll()}"
        return f"<{' '.join(self.arguments)}: pid {self.pid}, {state}>"

    @property
    def output(self) -> str:
        """What the worker and its children have written so far."""
        return self.output_file.read_text(errors="replace")

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self.process.poll()

    def wait(self, timeout: float = END_SECONDS) -> int:
        """Return the exit status; raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout)

    def wait_started(self, seconds: float = 20.0) -> None:
        """Wait until the worker has signed in to the database."""
        from jobqueue.models import Worker  # The app registry is not ready when this module is imported.

        def signed_in() -> bool:
            assert self.poll() is None, f"{self!r}\n{self.output}"
            return Worker.objects.filter(pid=self.pid).exists()

        wait_until(signed_in, seconds)

    def wait_output(self, text: str, seconds: float = 10.0) -> None:
        """Wait until the worker has written that text."""
        wait_until(lambda: text in self.output, seconds)

    def send_signal(self, number: int) -> None:
        """Send a signal to the worker alone."""
        self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to the worker and all its children at once, as a frozen or dying machine would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def terminate(self) -> None:
        """Ask for an orderly end (SIGTERM)."""
        self.process.terminate()

    def kill(self) -> None:
        """End the worker alone, at once (SIGKILL)."""
        self.process.kill()

    def end(self) -> None:
        """End the worker and whatever it left: in order first, by force when that takes too long."""
        self.signal_group(signal.SIGCONT)
        if self.poll() is None:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait()
        self.signal_group(signal.SIGKILL)
        self.wait()
