"""A small world to break: jobs, workers, what they say, and a look at all of it when the fault is over."""

from __future__ import annotations

import collections
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from jobqueue import results
from jobqueue.models import Job
from tests.app.fault_tasks import LEAVES
from tests.app.models import Entry
from tests.processes import WorkerProcess
from tests.waiting import wait_until

# Of so many jobs it is looked at what users see of them: that takes a few questions each.
_RESULTS = 50


class Said(NamedTuple):
    """A line of the record: which process said what about which job, and when."""

    what: str
    job_id: UUID
    pid: int
    at: float


class World:
    """Jobs of tests.app.fault_tasks on one backend, and workers that say in one file what they do."""

    def __init__(self, directory: Path, start_worker: Callable[..., WorkerProcess], backend: str) -> None:
        self.backend = backend
        self.record = directory / "record"
        self.enqueued: dict[UUID, str] = {}
        self.workers: list[WorkerProcess] = []
        self._start_worker = start_worker

    def start(
        self,
        *arguments: str,
        concurrency: int = 2,
        grace: float = 1.0,
        listens: bool = True,
        env: dict[str, str] | None = None,
    ) -> WorkerProcess:
        """Start a worker. One that listens settles every job in its executor, to tell receivers of the end."""
        flags = ["--backend", self.backend, "--concurrency", str(concurrency), "--grace", str(grace), "--no-reload"]
        env = {
            "JOBQUEUE_TEST_RECORD": str(self.record),
            **({"JOBQUEUE_TEST_LISTENS": "1"} if listens else {}),
            **(env or {}),
        }
        self.workers.append(self._start_worker(*flags, *arguments, env=env))
        return self.workers[-1]

    def enqueue(self, task: Any, *args: Any, **using: Any) -> UUID:
        """Enqueue a job and return its id."""
        job_id = UUID(task.using(backend=self.backend, **using).enqueue(*args).id)
        self.enqueued[job_id] = task.module_path
        return job_id

    def enqueue_many(self, task: Any, number: int, *args: Any) -> list[UUID]:
        """Enqueue so many jobs of a task and return their ids."""
        made = task.using(backend=self.backend).enqueue_many([(args, {})] * number)
        ids = [UUID(result.id) for result in made]
        self.enqueued.update(dict.fromkeys(ids, task.module_path))
        return ids

    def row(self, job_id: UUID) -> Job:
        """Return the row of a job as it is now."""
        return Job.objects.get(pk=job_id)

    def said(self, what: str, job_id: UUID | None = None) -> list[Said]:
        """Return what was said so far in that word, of one job or of all."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        said = (Said(word, UUID(job), int(pid), float(at)) for word, job, pid, at in map(str.split, lines))
        return [line for line in said if line.what == what and job_id in (None, line.job_id)]

    def wait_said(self, what: str, job_id: UUID | None = None, *, times: int = 1, seconds: float = 30.0) -> Said:
        """Wait until that was said so many times and return the last of these."""
        wait_until(lambda: len(self.said(what, job_id)) >= times, seconds)
        return self.said(what, job_id)[times - 1]

    def let_go(self, job_id: UUID | None = None) -> None:
        """Let the bodies of a job that wait at the gate go on, now and in every later run; or those of all jobs."""
        Path(f"{self.record}.open{'' if job_id is None else f'-{job_id}'}").touch()

    def wait_ended(self, job_ids: Collection[UUID] | None = None, *, seconds: float = 60.0) -> None:
        """Wait until these jobs, or all, have come to their end."""
        wanted = set(self.enqueued if job_ids is None else job_ids)

        def open_ends() -> list[tuple[Any, ...]]:
            rows = Job.objects.exclude(status__in=("SUCCESSFUL", "FAILED")).values_list("pk", "status", "worker_id")
            return [row for row in rows if row[0] in wanted]

        wait_until(lambda: not open_ends(), seconds)

    def assert_all_right(self, *, failed: Collection[UUID] = (), seconds: float = 60.0) -> None:
        """Check what every fault has to leave: every job ended, as its effects, its result and its signals agree.

        No job is lost; of those that are done each effect is there once, of those that failed none that is not fenced
        off; nobody was told otherwise. Jobs fail if and only if they are named.
        """
        self.let_go()
        self.wait_ended(seconds=seconds)
        rows = Job.objects.in_bulk(list(self.enqueued))
        assert set(rows) == set(self.enqueued), f"lost: {set(self.enqueued) - set(rows)}"
        wrong = {
            job_id: _tell(row) for job_id, row in rows.items() if (row.status == "FAILED") != (job_id in set(failed))
        }
        assert not wrong, f"failed, or should have: {wrong}"
        self._check_effects(rows)
        self._check_reports(rows)

    def _check_effects(self, rows: dict[UUID, Job]) -> None:
        found = collections.defaultdict[str, list[str]](list)
        for job, note in Entry.objects.exclude(job="").values_list("job", "note"):
            found[job].append(note)
        for job_id, row in rows.items():
            left, wanted = sorted(found.pop(str(job_id), [])), list(LEAVES[self.enqueued[job_id]])
            if row.status == "SUCCESSFUL":
                assert left == sorted(wanted), (_tell(row), left)
            else:
                # Steps that were done before it failed stay; the rest of it was undone.
                done = wanted[: len(left)] if len(wanted) > 1 else []
                assert left == sorted(done), (_tell(row), left)
        assert not found, f"Effects of jobs that nobody has enqueued: {dict(found)}"

    def _check_reports(self, rows: dict[UUID, Job]) -> None:
        heard = collections.defaultdict[UUID, list[str]](list)
        for status in ("SUCCESSFUL", "FAILED", "READY", "RUNNING"):
            for line in self.said(f"heard-{status}"):
                heard[line.job_id].append(status)
        for job_id, row in rows.items():
            # A process may die between its COMMIT and the signal; nobody may hear of an end twice, or of another one.
            assert heard.pop(job_id, []) in ([], [row.status]), (_tell(row), heard)
            if row.status == "SUCCESSFUL":
                assert (row.result, row.outcome) == (str(job_id), "ok"), (_tell(row), row.result)
        for job_id in list(rows)[:_RESULTS]:
            result, row = results.get(str(job_id)), rows[job_id]
            assert result.status == row.status, _tell(row)
            # Who has never begun has not gone wrong either.
            assert bool(result.errors) or row.status == "SUCCESSFUL" or not row.attempt, _tell(row)
        assert not heard, f"Heard of jobs that nobody has enqueued: {dict(heard)}"


def _tell(row: Job) -> str:
    return (
        f"{row.task_path} {row.pk}: {row.status} ({row.outcome}), attempt {row.attempt}, "
        f"{row.crashes} crashes, {row.failures} failures"
    )
