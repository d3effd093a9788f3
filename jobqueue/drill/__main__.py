"""The process of a drill: runs it on the drill's settings, and sees that it is taken down however it ends.

With ``--naive-worker N`` it is a worker of the naive queue instead, with N threads.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import django

from .plan import current


def main() -> int:
    """Return the exit status: 0 right, 1 wrong, 2 the drill could not be held, 130 interrupted."""
    django.setup()
    # What follows imports models, so it comes after.
    if sys.argv[1:2] == ["--naive-worker"]:
        from . import naive

        naive.main(int(sys.argv[2]))

    from .house import DrillFailed
    from .run import run
    from .scene import interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        return 0 if run(current()) else 1
    except DrillFailed as failure:
        print(f"\nThe drill could not be held. {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing of the drill is left.", file=sys.stderr)
        return 130


def _end_with_parent() -> None:
    """Interrupt this process when the one that started it is gone: standard input ends then."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
