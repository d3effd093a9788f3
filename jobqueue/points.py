"""Named places in this code, between one thing that lasts and the next, where a test can have a process die or freeze.

In production nobody listens, and passing a point costs one call that does nothing: some 25 ns, and a job passes some
fifteen. ``mishaps`` listens when the environment asks for it; a simulation listens to choose what happens next.
"""

from __future__ import annotations

from collections.abc import Callable

listener: Callable[[str], None] | None = None


def reached(name: str) -> None:
    """Say that this thread is at a point."""
    if listener is not None:
        listener(name)


# What is lost, and what lasts, when the process dies there.
POINTS = {
    # Enqueueing, in the process of whoever enqueues.
    "enqueue.before-ledger": "nothing is written yet; the job has an idempotency key",
    "enqueue.before-keys": "nothing is written yet; jobs of an enqueue_many() have idempotency keys",
    "enqueue.after-keys": "the keys are in the ledger, not committed; the jobs are not there yet",
    "enqueue.before-insert": "the key is in the ledger, should there be one; the job is not there yet",
    "enqueue.after-insert": "the job is inserted; the caller's transaction is open, or was committed with it",
    "enqueue.before-dependencies": "the jobs are inserted, not committed; what they wait for is not written",
    "enqueue.between-lots": "some of the jobs of an enqueue_many() are inserted, not committed",
    "enqueue.before-hint": "the job is committed; no worker was told",
    "enqueue.after-hint": "a worker was told",
    "commit.before-marker": "the caller's transaction on another database is open; nothing tells of the job yet",
    "commit.before-job": "its marker is written in that transaction, not committed; there is no job yet",
    "commit.after-job": "the job waits for a COMMIT on another database",
    "commit.before-open": "that has come; the job still waits",
    "commit.after-open": "the job is free to be claimed; no worker was told",
    "commit.before-drop": "the transaction for which the job waits was undone; the job is still there",
    "commit.after-drop": "the job is gone",
    # A worker, from its start to the hand-over of a job.
    "sign-in.before": "the worker has written nothing of itself",
    "sign-in.after": "the worker has a row and a heartbeat, and no executors yet",
    "claim.before": "jobs are due and the worker has claimed none",
    "claim.before-update": "the rows are locked and not yet changed (MariaDB and MySQL)",
    "claim.before-commit": "the claim is written, not committed (MariaDB and MySQL)",
    "claim.after": "the claim is committed; the worker does not know of it yet",
    "limit.locked": "the keys of limits are locked; what runs under them is not counted and nothing is claimed",
    "limit.before-turns": "the jobs are claimed, not committed; the turns of their rates are not taken",
    "limit.before-commit": "the turns are taken too; nothing is committed",
    "lease.before-acquire": "the worker knows of its claims; there are no leases yet",
    "lease.after-acquire": "the leases are taken; the worker does not know of it yet",
    "hand.before": "the claims are not sent to executors yet",
    "hand.after": "the claims are sent",
    # Signs of life.
    "lease.before-renew": "the leases are as old as the last renewal",
    "lease.after-renew": "the leases are renewed; the worker trusts in nothing more yet",
    "heartbeat.before": "the heartbeat is as old as the last one",
    "heartbeat.after": "the heartbeat is written; the worker trusts in nothing more yet",
    "renewals.before-commit": "how often claims were renewed is written, not committed",
    "renewals.after": "that is committed; the worker will say it once more",
    # An executor and its job.
    "run.before": "the executor has its job and has not begun with it",
    "run.before-begin": "the body is about to say its first statement; there is no transaction yet",
    "run.after-statement": "a statement of the body was executed, not committed if it wrote",
    "step.before": "the step is not begun; those before it are committed",
    "step.before-ledger": "the writes of a step are made, its ledger entry is not",
    "step.after-ledger": "the ledger entry is made; nothing is committed",
    "checkpoint.before-fence": "a checkpoint is written, not committed",
    "deliver.before-call": "the intent to deliver is committed; nothing was delivered",
    "deliver.after-call": "it was delivered, and nothing but the intent says so",
    "fence.before": "all of the body or step is written; whose the job is was not asked yet",
    "fence.after": "the fence has passed and holds the job's row; the next thing is COMMIT",
    "fence.committed": "effects, fence and result or ledger entry are committed; hooks have not run",
    "fail.before": "the body has raised; what it wrote is undone, and nothing says that it raised",
    "fail.before-attempt": "the job's row has its new status, not committed; the attempt is not written",
    "fail.before-commit": "the attempt is written too; nothing is committed",
    "fail.after": "the failure is committed; the worker does not know of it yet",
    "refused.before": "the database has refused late writes, and nobody has counted that",
    "refused.after": "that is counted; the worker does not know of it yet",
    "report.before": "the job is through, as the executor sees it; the worker does not know of it yet",
    "report.after": "the worker can read how the job ended",
    # The worker writes down what executors have reported.
    "settle.before": "values are reported and not yet in the database",
    "settle.before-commit": "jobs are SUCCESSFUL with their values, not committed (not PostgreSQL: one statement)",
    "settle.after": "that is committed; the worker still owes it",
    "settle.before-verb": "a crash, a failure or a hand-back is not written down yet",
    "settle.after-verb": "it is committed; the worker still owes it",
    "settle.before-close": "the ends are committed; the attempts of which renewals are on record are still open",
    "lease.before-release": "the ends are committed; the leases are still held",
    "lease.after-release": "the leases are given back; the worker does not know of it yet",
    # Handing back.
    "release.before": "the jobs are RUNNING and nobody runs them",
    "release.before-attempt": "the jobs are READY, not committed; the attempts are not written",
    "release.before-commit": "the attempts are written or forgotten too; nothing is committed",
    "release.after": "the jobs are handed back; the worker does not know of it yet",
    "sign-off.before": "the worker has ended all it had, and its row says that it lives",
    "sign-off.after": "its row says that it has stopped",
    # Rescuing what others have left.
    "rescue.before": "a job was judged to be without an owner; nothing is locked",
    "rescue.locked": "its row is locked and the heartbeat not yet compared",
    "rescue.before-commit": "the job is READY or FAILED again, not committed",
    "rescue.after": "that is committed; no worker was told",
    # Jobs that wait for others.
    "judge.before": "what a job waits for has ended, and nobody has acted upon that",
    "judge.before-commit": "the gate is open, or the job has ended with what it waits for; not committed",
    "judge.after": "that is committed; no worker was told",
    # Schedules.
    "tick.before-ledger": "a tick is due and nothing is written of it",
    "tick.before-enqueue": "the tick is in the ledger, not committed; there is no job",
    "tick.before-step": "its job is there too, not committed; the schedule is still due",
    "tick.before-commit": "the schedule has its next tick; nothing is committed",
    "tick.after": "tick, job and the next tick are committed; this worker does not look for the job yet",
    # Operators and housekeeping.
    "cancel.before-attempt": "the job is FAILED, not committed; its attempt is not written",
    "cancel.before-commit": "the attempt is written too; nothing is committed",
    "cancel.after": "the job is cancelled; its body was not told",
    "retry.before": "the job is FAILED",
    "retry.after": "the job is READY again; no worker was told",
    "lot.before-commit": "many jobs are cancelled, or READY again, not committed",
    "lot.after": "that is committed; no worker was told, and nobody has looked who waits for them",
    "decide.before": "the job is in doubt",
    "decide.before-commit": "what was decided is written and the job is READY; nothing is committed",
    "decide.after": "that is committed; no worker was told",
    "prune.before-steps": "results are kept in the ledger, not committed; the rows are all there",
    "prune.before-jobs": "steps and attempts are deleted, not committed; the jobs are still there",
    "prune.before-commit": "the jobs are deleted too; nothing is committed",
    "prune.after": "the jobs are gone",
    "forget.before": "rows of workers that are long gone are still there",
    "forget.after": "they are gone",
}
