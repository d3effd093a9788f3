"""The process of one chapter on one database: servers, settings, and then the chapter; all of it gone at the end.

It is started by ``__main__`` with its plan in the environment, and writes what it found into a file of its directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

import django

from tests.redis_server import OwnRedis

from .plan import current
from .servers import STARTERS

RESULT = "result.json"


def main() -> int:
    """Live through the chapter."""
    plan, directory = current(), Path(current().directory)
    # Servers and workers must not outlive whoever started this: its input ends then.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        redis = OwnRedis()
        stack.callback(redis.close)
        server = None
        if plan.database in STARTERS:
            server = STARTERS[plan.database]()
            stack.callback(server.close)
            server.start()
        os.environ["DATABASE_URL"] = server.url if server else f"sqlite:///{plan.name}"
        os.environ["REDIS_URL"] = redis.url
        django.setup()
        # What follows imports models, so it comes after.
        from .chapter import live

        found = live(plan, redis, server)
        (directory / RESULT).write_text(json.dumps(found))
    return 0


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
