"""Forks processes that have loaded everything already, for the sweep needs some three hundred of them.

Each line on standard input asks for something, and is answered by a line: ``{"deed": NAME, "arguments": […], "env":
{…}, "output": FILE}`` for a process that does one of the deeds (``deeds.py``), answered with its pid; ``{"poll": PID}``
with its exit status or null. A child has a session of its own and does as JOBQUEUE_POINT says, as any process of Django
does. The nursery ends with the test, whose pipe ends, and its children with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any, NoReturn

import django


def main() -> None:
    """Serve until the test is over."""
    django.setup()

    from tests.crashpoints import deeds  # Knows models.

    deeds.learn()
    gc.freeze()
    children: set[int] = set()
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), children)), flush=True)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _answer(request: Any, children: set[int]) -> int | None:
    if "poll" in request:
        pid, status = os.waitpid(request["poll"], os.WNOHANG)
        children.discard(pid)
        return os.waitstatus_to_exitcode(status) if pid else None
    pid = os.fork()
    if pid == 0:
        _live(**request)
    children.add(pid)
    return pid


def _live(deed: str, arguments: list[Any], env: dict[str, str], output: str) -> NoReturn:
    """Be a child."""
    os.setsid()
    # Loaded already; not at the top, for settings come first.
    from jobqueue.worker.lifeline import die_with_parent
    from tests.crashpoints import deeds

    # Also when it is frozen, and the nursery is ended by a signal that was meant for the tests.
    die_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    file = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(env)
    deeds.do(deed, arguments)
    sys.exit(0)


if __name__ == "__main__":
    main()
