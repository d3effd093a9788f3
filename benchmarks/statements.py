"""Runs each verb of jobqueue by itself and prints what it costs: ``python -m benchmarks.statements TIMES``.

Processor time is that of the backend of PostgreSQL that serves this connection, and that of Redis, by the scheduler's
own count in nanoseconds; both are on this machine.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import batched
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402  (what follows needs settings)
from django.db.models import F  # noqa: E402
from django.tasks import task_backends  # noqa: E402

from jobqueue import lifecycle  # noqa: E402
from jobqueue.fence import Fence  # noqa: E402
from jobqueue.leases import Held, wake_of  # noqa: E402
from jobqueue.lifecycle import Renewal  # noqa: E402
from jobqueue.worker.registration import Identity, beat  # noqa: E402

from .app.models import Counter  # noqa: E402
from .app.tasks import noop  # noqa: E402

BATCHES = (1, 10, 100)
ME = "bench-statements"
NONE = timedelta(0)


class Meter:
    """Measures what a call costs on average."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.found: dict[str, float] = {}
        self._redis = os.environ.get("BENCH_REDIS_PID", "")
        self._backend = str(ask("SELECT pg_backend_pid()"))

    def measure(self, name: str, call: Callable[[], object], times: int = 0) -> None:
        """Call so often and keep the averages; the first call is for warming up."""
        call()
        times = times or self.times
        before, began = self._read(), time.perf_counter()
        for _ in range(times):
            call()
        wall = time.perf_counter() - began
        pg_cpu, redis_cpu, wal = (b - a for a, b in zip(before, self._read(), strict=True))
        self.found[f"{name}.wait_ms"] = wall / times * 1000
        self.found[f"{name}.postgres_ms"] = pg_cpu / times / 1e6
        self.found[f"{name}.redis_ms"] = redis_cpu / times / 1e6
        self.found[f"{name}.wal_bytes"] = wal / times

    def _read(self) -> tuple[float, float, float]:
        return _cpu(self._backend), _cpu(self._redis), float(ask("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def _cpu(pid: str) -> float:
    path = Path(f"/proc/{pid}/schedstat")
    return float(path.read_text().split()[0]) if pid and path.exists() else 0.0


def ask(sql: str) -> Any:
    """Return the one value of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def claim(limit: int) -> list[lifecycle.Claim]:
    """Claim so many jobs."""
    return lifecycle.claim(
        connection, backend="default", queue="default", paths=[noop.module_path], worker_id=ME, limit=limit
    )


def bump_and_succeed(claims: list[lifecycle.Claim]) -> None:
    """Do what an executor does for a job that writes: the body's UPDATE, the fence and the result, one COMMIT."""
    held = claims.pop()
    with transaction.atomic():
        Counter.objects.filter(pk=1).update(value=F("value") + 1)
        lifecycle.succeed(connection, held.fence, None)


def main(times: int) -> dict[str, float]:
    """Measure everything and return it by name."""
    meter = Meter(times)
    backend: Any = task_backends["default"]
    _jobs(meter, noop)
    _signs_of_life(meter, backend)
    connection.close()
    return meter.found


def _jobs(meter: Meter, task: Any) -> None:
    meter.measure("enqueue", task.enqueue)
    for size in BATCHES:
        times = max(5, meter.times // size)
        task.enqueue_many([((), {})] * (size * (times + 2)))
        batches: list[list[lifecycle.Claim]] = []
        meter.measure(f"claim_{size}", lambda size=size, batches=batches: batches.append(claim(size)), times)
        ready = [[(held.fence, None) for held in batch] for batch in batches]
        meter.measure(f"settle_{size}", lambda ready=ready: lifecycle.settle(connection, ready.pop()), times - 1)
    task.enqueue_many([((), {})] * (meter.times + 1))
    claims = claim(meter.times + 1)
    meter.measure("job_that_writes", lambda: bump_and_succeed(claims), len(claims) - 1)
    for size in (1, 100):
        # What has ended by now is enough for so many.
        meter.measure(f"prune_{size}", lambda size=size: lifecycle.prune("default", older_than=NONE, limit=size), 4)
    ask("WITH gone AS (DELETE FROM jobqueue_job RETURNING 1) SELECT count(*) FROM gone")
    meter.measure("look_in_vain", lambda: (claim(1), lifecycle.next_due("default", ["default"])))


def _signs_of_life(meter: Meter, backend: Any) -> None:
    identity = Identity(
        id=ME, name=ME, hostname="", pid=0, backend="default", queues=[], concurrency=2, seats=2, lease_seconds=30
    )
    meter.measure("heartbeat", lambda: beat(identity, []))
    meter.measure("look_for_dead_of_1", lambda: lifecycle.orphans("default", unknown=False))
    noop.enqueue_many([((), {})] * 1000)  # type: ignore[attr-defined]
    held = claim(100)
    for running in (100, 1000):
        held += claim(running - len(held))
        meter.measure(f"orphans_among_{running}", lambda: lifecycle.orphans("default"), 50)
        meter.measure(f"reconcile_among_{running}", lambda: lifecycle.held_tokens(ME), 50)
        meter.measure(f"forget_among_{running}", lambda: lifecycle.prune_workers(older_than=timedelta(days=1)), 50)
    _attempts(meter, [item.fence for item in held])
    _many_owners(meter)
    leases, some = backend.leases(), [item.fence for item in held[:100]]
    meter.measure("acquire_100", lambda: leases.acquire(some, ME), 100)
    meter.measure("renew_100", lambda: leases.renew([Held(fence, 1, 1) for fence in some], ME), 100)
    meter.measure("release_100", lambda: leases.release(some, ME), 100)
    hints = wake_of(backend.settings)
    assert hints is not None
    meter.measure("hint", lambda: hints.hint(["default"]))
    meter.measure("witness_0", lambda: leases.witness([]))


def _attempts(meter: Meter, fences: list[Fence]) -> None:
    for size in (1, 100):
        renewals = [Renewal(fence, 1, 1) for fence in fences[:size]]
        meter.measure(f"record_{size}", lambda renewals=renewals: lifecycle.record_renewals(ME, renewals), 50)
    lifecycle.record_renewals(ME, [Renewal(fence, 1, 1) for fence in fences])
    for size, some in ((1, fences[:100]), (100, fences[100:])):
        lots = batched(some, size)
        meter.measure(f"close_{size}", lambda lots=lots: lifecycle.close_attempts(next(lots)), len(some) // size - 1)


def _many_owners(meter: Meter) -> None:
    """Measure a look for orphans when each of the 1,000 running jobs is another worker's."""
    ask(
        "WITH made AS (INSERT INTO jobqueue_worker (id, name, hostname, pid, backend, queues, concurrency,"
        " seats, lease_seconds, version, executors, started_at, heartbeat_at) SELECT 'bench-' || n, 'bench', '', 0,"
        " 'default', '[]', 2, 2, 30, '', '[]', now(), now() FROM generate_series(1, 1000) AS n RETURNING 1)"
        " SELECT count(*) FROM made"
    )
    ask(
        "WITH numbered AS (SELECT id, row_number() OVER () AS n FROM jobqueue_job), changed AS (UPDATE jobqueue_job"
        " AS job SET worker_id = 'bench-' || n FROM numbered WHERE job.id = numbered.id RETURNING 1)"
        " SELECT count(*) FROM changed"
    )
    meter.measure("orphans_of_1000", lambda: lifecycle.orphans("default"), 50)
    meter.measure("look_for_dead_of_1000", lambda: lifecycle.orphans("default", unknown=False), 50)
    ask("WITH gone AS (DELETE FROM jobqueue_worker RETURNING 1) SELECT count(*) FROM gone")


if __name__ == "__main__":
    Counter.objects.get_or_create(pk=1)
    print(json.dumps(main(int(sys.argv[1]))))
