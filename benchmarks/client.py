"""Enqueues, in a process of its own with the queue's own packages: commands come and answers go as lines of JSON.

``python -m benchmarks.client MODULE`` with BENCH_QUEUE, DATABASE_URL and REDIS_URL set.
"""

from __future__ import annotations

import gc
import importlib
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import django


def main() -> None:
    """Answer commands until standard input ends."""
    django.setup()
    queue = importlib.import_module(f"benchmarks.queues.{sys.argv[1]}")
    print(json.dumps({"bulk": hasattr(queue, "bulk")}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        gc.collect()
        print(json.dumps(_VERBS[command.pop("do")](queue, **command)), flush=True)


def _enqueue(queue: Any, *, task: str, count: int, args: list[Any]) -> float:
    """Enqueue one by one and return the seconds that took."""
    began = time.perf_counter()
    for _ in range(count):
        queue.enqueue(task, *args)
    return time.perf_counter() - began


def _bulk(queue: Any, *, task: str, count: int, lot: int) -> float:
    """Enqueue in lots and return the seconds that took."""
    began = time.perf_counter()
    for start in range(0, count, lot):
        queue.bulk(task, [()] * min(lot, count - start))
    return time.perf_counter() - began


def _stamps(queue: Any, *, count: int, gap: float) -> float:
    """Enqueue jobs that tell when they began, one every ``gap`` seconds give or take a half, in no one's rhythm."""
    rhythm = random.Random(7)
    due = began = time.monotonic()
    for _ in range(count):
        due += gap * rhythm.uniform(0.5, 1.5)
        time.sleep(max(0.0, due - time.monotonic()))
        queue.enqueue("stamp", time.monotonic())
    return time.monotonic() - began


def _forget(queue: Any) -> float:
    """Remove every job of a queue that keeps them in Redis; tables are emptied by the harness."""
    if hasattr(queue, "forget"):
        queue.forget()
    return 0.0


_VERBS: dict[str, Callable[..., float]] = {"enqueue": _enqueue, "bulk": _bulk, "stamps": _stamps, "forget": _forget}

if __name__ == "__main__":
    main()
