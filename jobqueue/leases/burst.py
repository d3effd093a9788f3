"""Names that come in bursts are passed on a few times, not each time, and the last one is never left out."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection

logger = logging.getLogger("jobqueue.leases")


class Burst:
    """Passes a name on at once, and what comes again within ``seconds`` when these are over.

    So whatever is true when a name comes is true when it is passed on the next time, ``seconds`` later at most.
    """

    def __init__(self, send: Callable[[Collection[str]], None], *, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._begin()
        # A forked child has not the thread, and perhaps a lock that nobody will open. What is late, its parent sends.
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._ends = 0.0
        self._sent: set[str] = set()
        self._late: set[str] = set()
        self._has_thread = False
        self._thread: threading.Thread | None = None

    def add(self, names: Collection[str]) -> None:
        """Pass names on, now or in a moment."""
        with self._lock:
            now = time.monotonic()
            if now >= self._ends and not self._has_thread:
                self._ends, self._sent = now + self._seconds, set()
            late = self._sent.intersection(names)
            fresh = [name for name in names if name not in late]
            self._sent.update(fresh)
            self._late |= late
            needs_thread = bool(late) and not self._has_thread
            self._has_thread |= needs_thread
        if needs_thread:
            self._send_later()
        if fresh:
            self._send(fresh)

    def _send_later(self) -> None:
        try:
            # No daemon: a process that ends waits these few milliseconds for it.
            self._thread = threading.Thread(target=self._send_late, name="jobqueue-burst")
            self._thread.start()
        except RuntimeError:  # The interpreter is ending, and starts no more threads.
            self._send_late()

    def _send_late(self) -> None:
        """Pass on what is late, again and again for as long as the burst lasts."""
        while True:
            time.sleep(max(0.0, self._ends - time.monotonic()))
            with self._lock:
                late, self._late = self._late, set()
                self._ends, self._sent = time.monotonic() + self._seconds, set(late)
                self._has_thread = bool(late)
            if not late:
                return
            try:
                self._send(late)
            except Exception:
                logger.exception("A hint to workers was lost; they find the jobs at their next look.")

    def flush(self) -> None:
        """Wait until what is late is passed on."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join()
