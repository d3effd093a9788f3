"""What a drain costs when the table has grown: finished rows that nobody pruned, and ready rows that pile up."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan
from .drain import work_off

# Finished rows, ready rows.
POINTS = [(0, 20_000), (0, 200_000), (100_000, 20_000), (1_000_000, 20_000), (1_000_000, 200_000)]

# An id as the queue makes them: version 7, by the time of enqueueing.
_ROWS = """
INSERT INTO jobqueue_job (id, backend, task_path, queue, priority, arguments, status, gate, limit_key, outcome, attempt,
    token, worker_id, failures, crashes, enqueued_at, due_at, first_started_at, started_at, finished_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
        || '8' || substr(md5(n::text), 4, 15))::uuid,
    'default', 'benchmarks.app.tasks.noop', 'default', 0, '{"args": [], "kwargs": {}}', %s, '', '', %s, done::int,
    CASE WHEN done THEN gen_random_uuid() END, CASE WHEN done THEN 'earlier-0' ELSE '' END, 0, 0, at, at,
    CASE WHEN done THEN at END, CASE WHEN done THEN at END, CASE WHEN done THEN at END
FROM generate_series(1, %s) AS n, LATERAL (
    SELECT now() - (%s - n) * interval '50 milliseconds' AS at, %s::text <> 'READY' AS done
) AS row
"""


def growth(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the rate of a drain for each size of the table, as "finished+ready"."""
    return {f"{finished}+{ready}": _rate(place, plan, finished, ready) for finished, ready in POINTS}


def _rate(place: Place, plan: Plan, finished: int, ready: int) -> float:
    finished, ready = (plan.jobs(count) if count else 0 for count in (finished, ready))
    place.clear()
    insert(place, finished, "SUCCESSFUL", "ok")
    with place.client() as client, place.workers(client) as workers:
        # A table that has been that large for long has been looked after.
        place.database.ask("VACUUM ANALYZE jobqueue_job")
        place.database.settle_down()
        workers.freeze()
        insert(place, ready, "READY", "")
        client.enqueue("noop", 1)  # Rows do not wake anybody.
        figures = work_off(place, client, workers, ready + 1)
    place.clear()
    return float(figures["per_second"])


def insert(place: Place, count: int, status: str, outcome: str) -> None:
    """Have so many jobs of that status, one enqueued every 50 ms until now."""
    place.database.ask(_ROWS, status, outcome, count, count, status)
