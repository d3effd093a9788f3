"""The queues: how each is started, how its tables are emptied, how many jobs make a run of a few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue as the harness sees it.

    module: its module in benchmarks.queues.
    store: where its jobs are.
    workers: commands that together are two processes that run bodies, each after ``python -m``.
    jobs: how many jobs are measured, by scenario, at scale 1.
    tables: emptied before each measurement.
    unfinished: the SQL that tells whether a job is not over; a queue on Redis is done with its last body.
    """

    name: str
    module: str
    store: str
    workers: tuple[tuple[str, ...], ...]
    jobs: Mapping[str, int]
    tables: tuple[str, ...] = ()
    unfinished: str = ""
    requires: tuple[str, ...] = field(default=())
    processes: int = 2


def _managed(*command: str) -> tuple[str, ...]:
    return ("benchmarks.manage", *command)


JOBQUEUE = Queue(
    name="jobqueue",
    module="jobqueue",
    store="PostgreSQL, leases in Redis",
    workers=(_managed("runworkers", "--concurrency", "2"),),
    jobs={"noop": 50_000, "bump": 15_000, "enqueue": 5_000, "bulk": 200_000},
    tables=("jobqueue_job", "jobqueue_attempt", "jobqueue_ledgerentry", "jobqueue_tag"),
    unfinished="SELECT 1 FROM jobqueue_job WHERE status IN ('READY', 'RUNNING') LIMIT 1",
)

PEERS = [
    Queue(
        name="django-tasks-db",
        module="django_tasks_db",
        store="PostgreSQL",
        workers=(_managed("db_worker"),) * 2,
        jobs={"noop": 2_000, "bump": 2_000, "enqueue": 4_000},
        tables=("django_tasks_database_dbtaskresult",),
        unfinished="SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status IN ('READY', 'RUNNING') LIMIT 1",
    ),
    Queue(
        name="django-ox",
        module="django_ox",
        store="PostgreSQL",
        workers=(_managed("ox_worker", "--processes", "2", "--verbosity", "0"),),
        jobs={"noop": 2_000, "bump": 2_000, "enqueue": 4_000, "bulk": 20_000},
        tables=("django_ox_oxtask",),
        unfinished="SELECT 1 FROM django_ox_oxtask WHERE status IN ('READY', 'RUNNING') LIMIT 1",
    ),
    Queue(
        name="procrastinate",
        module="procrastinate",
        store="PostgreSQL",
        workers=(_managed("procrastinate", "worker"),) * 2,
        jobs={"noop": 2_000, "bump": 2_000, "enqueue": 4_000, "bulk": 40_000},
        tables=("procrastinate_jobs", "procrastinate_events"),
        unfinished="SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') LIMIT 1",
    ),
    Queue(
        name="huey",
        module="huey",
        store="Redis",
        workers=(("huey.bin.huey_consumer", "benchmarks.queues.huey.huey", "-w", "2", "-k", "process", "-q"),),
        jobs={"noop": 20_000, "bump": 8_000, "enqueue": 20_000},
    ),
    Queue(
        name="dramatiq",
        module="dramatiq",
        store="Redis",
        workers=(("dramatiq", "benchmarks.queues.dramatiq", "-p", "2", "-t", "8"),),
        jobs={"noop": 20_000, "bump": 10_000, "enqueue": 20_000},
    ),
    Queue(
        name="celery",
        module="celery",
        store="Redis, acks_late",
        workers=(("celery", "-A", "benchmarks.queues.celery", "worker", "-c", "2", "--loglevel", "WARNING"),),
        jobs={"noop": 4_000, "bump": 2_000, "enqueue": 8_000},
    ),
]
