"""What a jobs table costs that is partitioned by day, as docs/scale.md describes it, in the same drain."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import Any

from ..place import Place
from ..plan import Plan
from .drain import work_off

DAYS = 8
_DAY_MS = 24 * 3600 * 1000


def partitions(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the rate of a drain with one table, and with as many partitions as a week of retention needs."""
    plain = _rate(place, plan)
    place.clear()
    for statement in _partitioned():
        place.database.ask(statement)
    try:
        partitioned = _rate(place, plan)
    finally:
        place.database.ask("DROP TABLE jobqueue_job")
        place.database.ask("ALTER TABLE jobqueue_job_plain RENAME TO jobqueue_job")
    return {"plain": plain, "partitioned": partitioned}


def _partitioned() -> list[str]:
    """Return the statements that put a table partitioned by id, and so by the time of enqueueing, in its place."""
    now = time.time_ns() // 1_000_000
    bounds = [_first_id(now + _DAY_MS * day) for day in range(-DAYS + 1, 2)]
    return [
        "ALTER TABLE jobqueue_job RENAME TO jobqueue_job_plain",
        "CREATE TABLE jobqueue_job (LIKE jobqueue_job_plain INCLUDING ALL) PARTITION BY RANGE (id)",
        *(
            f"CREATE TABLE jobqueue_job_{n} PARTITION OF jobqueue_job FOR VALUES FROM ('{low}') TO ('{high}')"
            for n, (low, high) in enumerate(itertools.pairwise(bounds))
        ),
    ]


def _first_id(milliseconds: int) -> uuid.UUID:
    """Return the least id of that moment: ids are version 7, led by 48 bits of time."""
    return uuid.UUID(int=milliseconds << 80)


def _rate(place: Place, plan: Plan) -> float:
    count = plan.jobs(place.queue.jobs["noop"])
    with place.client() as client, place.workers(client) as workers:
        place.clear()
        workers.freeze()
        client.many("noop", count)
        return float(work_off(place, client, workers, count)["per_second"])
