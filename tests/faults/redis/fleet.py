"""Two workers that many tests share, each with a way of its own to one Redis server that comes to harm."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from jobqueue.leases import Leases, LeasesUnavailable
from jobqueue.models import Job
from tests.app import fault_tasks
from tests.faults.world import World
from tests.process.slow_jobs import leases
from tests.processes import WorkerProcess
from tests.proxy import Proxy
from tests.redis_server import OwnRedis
from tests.waiting import wait_until

LEASE = 2.0
# What is promised (L1): a job is without an owner no longer than this.
RESCUE = LEASE + 10
_GONE, _BACK = "going on without it", "answers again"


class Side:
    """A worker and its way to the server."""

    def __init__(self, name: str, proxy: Proxy) -> None:
        self.name = name
        self.proxy = proxy
        self.worker: WorkerProcess | None = None

    def has_complained(self, since: int) -> bool:
        """Return whether its worker has gone on without Redis at any time since its output was so long."""
        assert self.worker is not None
        was_well, output = self.worker.output[:since], self.worker.output[since:]
        return _GONE in output or (was_well.rfind(_GONE) > was_well.rfind(_BACK) and _BACK not in output)


class Fleet(World):
    """A world whose workers outlive the single test; `check()` ends what one test has begun."""

    def __init__(self, directory: Path, start_worker: Callable[..., WorkerProcess], server: OwnRedis) -> None:
        super().__init__(directory, start_worker, "default")
        self.server = server
        self.sides = [Side(name, Proxy(server.url)) for name in ("anna", "bert")]
        self.begun = False
        self._checked = 0

    def man(self) -> None:
        """Start a worker on each side that has none, and wait for it. One of them settles in batches."""
        for side in self.sides:
            if side.worker is None or side.worker.poll() is not None:
                env = {"REDIS_URL": side.proxy.url}
                side.worker = self.start("--name", side.name, concurrency=3, listens=side.name == "anna", env=env)
        for side in self.sides:
            assert side.worker is not None
            side.worker.wait_started(60)

    def start_over(self) -> None:
        """Forget what went wrong: other workers, another record, an empty server."""
        for worker in self.workers:
            worker.end()
        for side in self.sides:
            side.proxy.heal()
            side.proxy.latency = 0.0
        self.server.kill()
        self.server.start()
        self.record = self.record.with_name(f"{self.record.name}-again")
        self.enqueued.clear()
        self._checked = 0

    def close(self) -> None:
        """End everything."""
        self.let_go()
        for worker in self.workers:
            worker.end()
        for side in self.sides:
            side.proxy.close()

    def leases(self) -> Leases:
        """Return the leases as the server has them, past all proxies."""
        found = leases(self.backend)
        assert found is not None
        return found

    def hold(self) -> list[UUID]:
        """Have two jobs wait in the middle, with their leases taken, and return their ids."""
        ids = [self.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
        for job_id in ids:
            self.wait_said("start", job_id)
        self.wait_leased(ids)
        return ids

    def owner(self, job_id: UUID) -> Side:
        """Return the side whose worker has a job."""
        return next(side for side in self.sides if self.row(job_id).worker_id.startswith(f"{side.name}-"))

    def wait_leased(self, ids: Sequence[UUID]) -> None:
        """Wait until the leases of these jobs are there."""

        def leased() -> bool:
            with contextlib.suppress(LeasesUnavailable):
                return set(self.leases().read(ids)) == set(ids)
            return False

        wait_until(leased, 20)

    def do_some(self) -> list[UUID]:
        """Have new jobs of each kind done, and return their ids."""
        ids = []
        for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
            ids += self.enqueue_many(task, 3)
        self.wait_ended(ids, seconds=30)
        return ids

    def check(self, *, twice: Sequence[UUID] = ()) -> None:
        """Check that all is right, and that every job was begun once; those named, a second time after a kill."""
        self.assert_all_right()
        Path(f"{self.record}.open").unlink()
        fresh = list(self.enqueued)[self._checked :]
        self._checked = len(self.enqueued)
        starts = collections.Counter(line.job_id for line in self.said("start"))
        wrong = [
            (row, starts[job_id], row.crashes, row.failures)
            for job_id, row in Job.objects.in_bulk(fresh).items()
            if (starts[job_id], row.crashes, row.failures) != ((2, 1, 0) if job_id in twice else (1, 0, 0))
        ]
        assert not wrong
        self.begun = False
        assert [side.name for side in self.sides if side.worker is None or side.worker.poll() is not None] == []
