"""The enqueuers: a process with a few threads that keep jobs of every kind waiting, and write down what they were told.

They meet the same faults as everybody. An enqueue whose COMMIT was cut is ``unknown``; one with a key is repeated until
it is answered, for that is what keys are for.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading

import django

from .plan import current


def main() -> int:
    """Enqueue until SIGTERM, or until whoever started this is gone."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    django.setup()
    # It imports models, so it comes after.
    from .enqueuer import Enqueuer

    keys = itertools.count()
    enqueuers = [Enqueuer(current(), index, keys, over) for index in range(current().enqueuers)]
    for enqueuer in enqueuers:
        enqueuer.start()
    threading.Thread(target=_await_end_of_input, args=(over,), daemon=True).start()
    for enqueuer in enqueuers:
        while enqueuer.is_alive():
            enqueuer.join(0.5)
    return 0


def _await_end_of_input(over: threading.Event) -> None:
    os.read(sys.stdin.fileno(), 1)
    over.set()


if __name__ == "__main__":
    sys.exit(main())
