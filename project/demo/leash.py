"""Runs a script that ends with whoever started it: ``python -m project.demo.leash SCRIPT [ARGUMENT …]``.

The other end of standard input is held by the starter. When it closes, which the system sees to even after kill -9,
the script is asked to stop, and made to soon after. A thread does it: that works on every Unix.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

ASK_SECONDS = 3.0


def main() -> None:
    """Run the script named in the arguments, as ``python SCRIPT …`` would."""
    threading.Thread(target=_watch, args=[sys.stdin.fileno()], name="leash", daemon=True).start()
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")


def _watch(pipe: int) -> None:
    while os.read(pipe, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ASK_SECONDS)
    # The whole group: it was made for this process and what it starts.
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
