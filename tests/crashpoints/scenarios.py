"""What has to go on for a worker to come to each of its points, and in which of its processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobqueue import lifecycle
from jobqueue.database import DatabaseNow, connection
from jobqueue.models import Worker
from tests.app import crash_tasks, fault_tasks
from tests.crashpoints.case import LEASE_SECONDS, Case

MYSQL_ONLY = ("claim.before-update", "claim.before-commit")
NOT_POSTGRESQL = ("settle.before-commit",)


def nothing(case: Case) -> None:
    """Let it come by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What goes on: `prepare` comes before the victim is started, `provoke` after.

    `fails` says that the jobs have to fail; `stops` that the victim is told to stop anyway.
    """

    name: str
    prepare: Callable[[Case], None]
    provoke: Callable[[Case], None] = nothing
    flags: tuple[str, ...] = ()
    lease: float = LEASE_SECONDS
    fails: bool = False
    stops: bool = False


def _enqueue(*tasks: Any, **using: Any) -> Callable[[Case], None]:
    def prepare(case: Case) -> None:
        for task, *args in tasks:
            case.world.enqueue(task, *args, **using)

    return prepare


def _everyday(case: Case) -> None:
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        case.world.enqueue(task)
    case.world.enqueue(fault_tasks.write, idempotency_key="everyday")


def _fan_in(case: Case) -> None:
    """Have a job wait for two others, one of which waits itself."""
    first = case.world.enqueue(fault_tasks.write)
    second = case.world.enqueue(fault_tasks.value, after=[first])
    case.world.enqueue(fault_tasks.write_in_steps, after=[first, second])


def _when_it_runs(act: Callable[[Case], None]) -> Callable[[Case], None]:
    def provoke(case: Case) -> None:
        case.world.wait_said("start")
        act(case)

    return provoke


def _cancel(case: Case) -> None:
    """Cancel the job that goes on regardless, before its worker has noticed."""
    said = case.world.wait_said("open")
    lifecycle.cancel(said.job_id)
    case.world.let_go()


def _leave_behind(case: Case) -> None:
    """Have a worker that has stopped leave a job running."""
    job_id = case.world.enqueue(fault_tasks.write)
    now = DatabaseNow()
    Worker.objects.create(
        id="gone", backend=case.backend, lease_seconds=1, started_at=now, heartbeat_at=now, stopped_at=now,
        name="gone", hostname="gone", pid=0, queues=[], concurrency=1, seats=1, version="", executors=[],
    )  # fmt: skip
    path = fault_tasks.write.module_path
    (claim,) = lifecycle.claim(
        connection(), backend=case.backend, queue="default", paths=[path], worker_id="gone", limit=1
    )
    assert claim.job_id == UUID(str(job_id))


EVERYDAY = Scenario(name="everyday", prepare=_everyday)
ATOMIC = Scenario(name="atomic", prepare=_enqueue((fault_tasks.write,), (fault_tasks.value,)))
STEPS = Scenario(name="steps", prepare=_enqueue((fault_tasks.write_in_steps,), (fault_tasks.write,)))
VALUES = Scenario(name="values", prepare=_enqueue((fault_tasks.value,), (fault_tasks.value,), (fault_tasks.write,)))
LIMITED = Scenario(
    name="limited", prepare=_enqueue((fault_tasks.write_within_limits,), (fault_tasks.write_within_limits,))
)
LONG = Scenario(name="long", prepare=_enqueue((fault_tasks.write_in_steps, 0.8), (fault_tasks.write, 0.3)))
RAISING = Scenario(name="raising", prepare=_enqueue((crash_tasks.raise_once,), (fault_tasks.write,)))
DYING = Scenario(name="dying", prepare=_enqueue((crash_tasks.die_once,), (fault_tasks.write,)))
KEEPING = Scenario(name="keeping", prepare=_enqueue((crash_tasks.keep,), (fault_tasks.write,)))
DELIVERING = Scenario(name="delivering", prepare=_enqueue((crash_tasks.deliver_between,), (fault_tasks.write,)))
# A worker looks every third of a lease whether its jobs are still its own; here the job shall not be told so soon.
CANCELLED = Scenario(
    name="cancelled", prepare=_enqueue((crash_tasks.go_on_regardless,)), provoke=_cancel, lease=30.0, fails=True
)
STOPPED = Scenario(
    name="stopped",
    prepare=_enqueue((fault_tasks.hold,), (fault_tasks.write,)),
    provoke=_when_it_runs(lambda case: case.victim.terminate()),
    flags=("--grace", "0"),
    stops=True,
)
FAN_IN = Scenario(name="fan-in", prepare=_fan_in)
LEFT_BEHIND = Scenario(name="left-behind", prepare=_leave_behind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A point, in which process of a worker and the how-manieth time, and what has to go on."""

    point: str
    scenario: Scenario
    role: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.point}-{self.scenario.name}"

    def order(self, deed: str) -> str:
        """Return what to put into JOBQUEUE_POINT."""
        return f"{self.point}={deed},role={self.role},nth={self.nth}"


def _rows(role: str, scenario: Scenario, *points: str, nth: int = 1) -> list[Row]:
    return [Row(point=point, scenario=scenario, role=role, nth=nth) for point in points]


ROWS = [
    *_rows("worker", EVERYDAY, "sign-in.before", "sign-in.after"),
    *_rows("worker", EVERYDAY, "claim.before", "claim.before-update", "claim.before-commit", "claim.after"),
    *_rows("worker", LIMITED, "limit.locked", "limit.before-turns", "limit.before-commit"),
    *_rows("worker", EVERYDAY, "lease.before-acquire", "lease.after-acquire", "hand.before", "hand.after"),
    # The second time and later, for there has to be a job.
    *_rows("worker", LONG, "lease.before-renew", "lease.after-renew", "heartbeat.before", "heartbeat.after", nth=3),
    *_rows("worker", LONG, "renewals.before-commit", "renewals.after", "settle.before-close"),
    *_rows("executor", EVERYDAY, "run.before", "run.before-begin", "run.after-statement"),
    *_rows("executor", ATOMIC, "fence.before", "fence.after", "fence.committed"),
    # The second step, so that there is a first.
    *_rows("executor", STEPS, "step.before", "step.before-ledger", "step.after-ledger", nth=2),
    *_rows("executor", STEPS, "fence.before", "fence.after", "fence.committed", nth=2),
    # The second fence is that of the checkpoint, the third that of the receipt.
    *_rows("executor", KEEPING, "checkpoint.before-fence"),
    *_rows("executor", KEEPING, "fence.before", "fence.after", "fence.committed", nth=2),
    *_rows("executor", DELIVERING, "deliver.before-call", "deliver.after-call"),
    *_rows("executor", DELIVERING, "fence.before", "fence.after", "fence.committed", nth=3),
    *_rows("executor", RAISING, "fail.before", "fail.before-attempt", "fail.before-commit", "fail.after"),
    *_rows("executor", CANCELLED, "refused.before", "refused.after"),
    *_rows("executor", ATOMIC, "report.before", "report.after"),
    *_rows("executor", VALUES, "report.before", "report.after"),
    *_rows("worker", VALUES, "settle.before", "settle.before-commit", "settle.after"),
    *_rows("worker", DYING, "settle.before-verb", "fail.before-attempt", "fail.before-commit", "settle.after-verb"),
    *_rows("worker", EVERYDAY, "lease.before-release", "lease.after-release"),
    *_rows("worker", STOPPED, "release.before", "release.before-attempt", "release.before-commit", "release.after"),
    *_rows("worker", STOPPED, "sign-off.before", "sign-off.after"),
    *_rows("worker", FAN_IN, "judge.before", "judge.before-commit", "judge.after"),
    *_rows("worker", LEFT_BEHIND, "rescue.before", "rescue.locked", "rescue.before-commit", "rescue.after"),
]
