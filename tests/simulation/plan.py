"""A schedule as a value: what is enqueued, what goes wrong where, and how restless the scheduler is."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("bump", "slow", "steps", "value", "fails_once", "swallows", "poison", "stray", "hog", "late")
# Those of features that came later: limits, jobs that wait for others, checkpoints, deliveries, unique jobs.
LATER_KINDS = ("press", "pace", "gather", "resumes", "freely", "delivers", "asks", "sole", "pending")
DURATIONS = (0.3, 1.0, 2.5, 3.5)


@dataclass(frozen=True)
class Job:
    """One that is enqueued: what it does, when, under which key, and whether its transaction is committed.

    It waits for those jobs of its plan that are named in ``after`` and were enqueued before it.
    """

    kind: str
    at: float = 0.0
    key: str | None = None
    rolls_back: bool = False
    after: tuple[int, ...] = ()
    on_failure: str = "cancel"


@dataclass(frozen=True)
class Fault:
    """What goes wrong the nth time that somebody (of that role) gets to a place, or at a moment; and by how much."""

    what: str
    where: str | float
    nth: int = 1
    amount: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a run depends on.

    With `listens`, somebody receives Django's signals, so every job settles in its executor; `deferred` is how Django
    begins transactions on SQLite unless it is told otherwise. With ``ticks`` and Redis there is a schedule.
    """

    jobs: tuple[Job, ...]
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    restlessness: float = 0.0
    redis: bool = True
    listens: bool = False
    workers: int = 2
    concurrency: int = 1
    deferred: bool = False
    ticks: bool = False

    def later_kinds(self) -> set[str]:
        """Return which kinds of jobs it has that came later."""
        return {job.kind for job in self.jobs} & set(LATER_KINDS) | ({"tick"} if self.ticks else set())


# Where an executor gets to on the way of a job, then a dispatcher, then those that look after leases and the dead.
AT_EXECUTOR = (
    "run.before",
    "run.before-begin",
    "run.after-statement",
    "step.before",
    "step.before-ledger",
    "step.after-ledger",
    "fence.before",
    "fence.after",
    "fence.committed",
    "fail.before",
    "fail.before-attempt",
    "fail.before-commit",
    "fail.after",
    "report.before",
    "report.after",
    "refused.before",
    "body",
)
AT_DISPATCHER = (
    "claim.before",
    "claim.after",
    "lease.before-acquire",
    "lease.after-acquire",
    "hand.before",
    "hand.after",
    "settle.before",
    "settle.before-commit",
    "settle.after",
    "settle.before-verb",
    "settle.after-verb",
    "settle.before-close",
    "lease.before-release",
    "lease.after-release",
    "release.before",
    "release.before-commit",
    "release.after",
)
AT_OTHERS = (
    "lease.before-renew",
    "lease.after-renew",
    "heartbeat.before",
    "heartbeat.after",
    "renewals.before-commit",
    "rescue.before",
    "rescue.locked",
    "rescue.before-commit",
    "rescue.after",
    "enqueue.before-insert",
    "enqueue.after-insert",
    "cancel.before-commit",
    "retry.before",
    "prune.before-steps",
    "prune.before-jobs",
    "prune.before-commit",
)
# What came later, and where it can be struck.
AT_LATER: dict[str, tuple[str, ...]] = {
    "limits": ("limit.locked", "limit.before-turns", "limit.before-commit", "claim.after", "body"),
    "others": (
        "enqueue.before-dependencies",
        "enqueue.before-hint",
        "settle.before-close",
        "judge.before",
        "judge.before-commit",
        "judge.after",
    ),
    "ticks": ("tick.before-ledger", "tick.before-enqueue", "tick.before-step", "tick.before-commit", "tick.after"),
    "checkpoints": ("step.after-ledger", "checkpoint.before-fence", "fence.committed", "BEGIN IMMEDIATE"),
    "deliveries": (
        "deliver.before-call",
        "called",
        "deliver.after-call",
        "fence.committed",
        "decide.before",
        "decide.before-commit",
        "decide.after",
    ),
    "unique": ("enqueue.before-insert", "enqueue.after-insert", "enqueued", "claim.after", "fence.after"),
}
ANYWHERE = [*AT_EXECUTOR, *AT_DISPATCHER, *AT_OTHERS]
STATEMENTS = ["COMMIT", "BEGIN IMMEDIATE", "UPDATE job", "INSERT entry", "INSERT ledgerentry", "SELECT job", "connect"]
REDIS_CALLS = ["redis script", "redis pipeline", "redis brpop"]

# What goes wrong, how often compared with the others, where it can, and by how much.
_PROCESS = ("kill", "kill-worker", "kill-worker-alone", "freeze", "freeze-worker", "freeze-group", "stall", "sigterm")
_COMMITS = ("commit-fails", "commit-lost", "commit-late", "commit-late-undone")
_DATABASE = ("statement-fails", "statement-lost", "database-down", "database-cut", "hang-up", "database-clock")
_REDIS = ("redis-flush", "redis-down", "redis-cut", "redis-lost", "redis-fails", "redis-full", "redis-clock")
_PEOPLE = ("cancel", "retry", "prune")
CLASSES = (_PROCESS, _PROCESS, _COMMITS, _DATABASE, _REDIS, _PEOPLE, ("failover",))
FAULTS = tuple(sorted({fault for kinds in CLASSES for fault in kinds}))
# What people do with what came later: say what became of a delivery, and have a schedule declared anew.
LATER_PEOPLE = ("decide", "reschedule")
