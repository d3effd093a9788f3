"""Restarts a worker when its code changes, as runserver does; a development convenience.

The outer process runs the worker as a child and starts it again when it asks for that by its exit status; the inner one
watches files and stops like on SIGTERM, so a reload hands jobs back instead of abandoning them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils import autoreload

_RELOAD = 3
_INNER = "JOBQUEUE_WORKER_RELOADED"


def is_inner() -> bool:
    """Return whether this process is the one that works."""
    return os.environ.get(_INNER) == "1"


def run_outer() -> int:
    """Run this command again and again in a child, as long as it asks for that; return its exit status."""
    while True:
        child = subprocess.Popen(  # noqa: S603  (our own command line)
            autoreload.get_child_arguments(), env={**os.environ, _INNER: "1"}
        )
        signal.signal(signal.SIGTERM, partial(_pass_on, child))
        signal.signal(signal.SIGINT, lambda *_: None)  # A terminal sends it to the child as well.
        if (status := child.wait()) != _RELOAD:
            return status


def _pass_on(child: subprocess.Popen[bytes], number: int, _frame: object) -> None:
    child.send_signal(number)


class Watcher:
    """Notices that a file of the project has changed."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.has_changed = False
        self._changed = changed
        self._reloader: Any = autoreload.get_reloader()
        autoreload.file_changed.connect(self._on_change, dispatch_uid="jobqueue-reload")
        threading.Thread(target=self._watch, name="jobqueue-reload", daemon=True).start()

    def exit_if_changed(self) -> None:
        """Ask the outer process for a new worker."""
        if self.has_changed:
            sys.exit(_RELOAD)

    def _watch(self) -> None:
        self._reloader.run(threading.main_thread())

    def _on_change(self, **_: Any) -> bool:
        # Told twice to stop, a worker would wait for nobody.
        if not self.has_changed:
            self.has_changed = True
            self._changed()
        return True  # Handled: Django need not end the process.
