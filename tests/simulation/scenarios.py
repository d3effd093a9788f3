"""Faults placed by hand, each at the one place where a certain mechanism is all that keeps a promise.

tests/simulation/test_each_mechanism_is_missed.py runs them; switched off (JOBQUEUE_MUTANT), each is noticed.
"""

from __future__ import annotations

from tests.simulation.plan import Fault, Job, Plan

BY_MECHANISM: dict[str, Plan] = {
    # A worker freezes before its first statement, and thaws while another runs the job: first the executor.
    "fence": Plan(
        (Job("slow"),),
        (Fault("freeze", "run.before-begin", amount=4.0), Fault("freeze-worker", "run.before-begin", amount=4.5)),
    ),
    # A worker dies behind the first step of two.
    "ledger": Plan((Job("steps"),), (Fault("kill-worker", "fence.committed"),)),
    # A worker that has written a failure down freezes, and gives the lease back while another runs the job.
    "comparing-release": Plan((Job("fails_once"),), (Fault("freeze-worker", "lease.before-release", amount=3.0),)),
    # A worker that stops freezes, and hands the job back while another runs it.
    "comparing-hand-back": Plan(
        (Job("slow"),), (Fault("sigterm", "body"), Fault("freeze-worker", "release.before", amount=4.0))
    ),
    # One keeper stalls behind its judgement, another rescues the job and has it run; then the first one acts.
    "comparing-rescue": Plan(
        (Job("slow"),),
        (Fault("freeze-group", "body", amount=8.0), Fault("stall", "rescue.before", amount=1.0)),
        workers=3,
    ),
    # A COMMIT is in flight while the executor asks what became of it.
    "locking-read": Plan((Job("bump"),), (Fault("commit-late", "COMMIT", by="executor", amount=1.0),), deferred=True),
    # Redis forgets the lease of a worker that cannot reach the database.
    "epoch": Plan((Job("slow"),), (Fault("database-cut", "body", amount=4.0), Fault("redis-flush", 3.0))),
    # Redis is silent, and the heartbeat alone says that a worker lives.
    "second-witness": Plan((Job("slow"),), (Fault("redis-down", "body", amount=5.0),)),
    # A worker cannot reach the database, and its lease alone says that it lives.
    "first-witness": Plan((Job("slow"),), (Fault("database-cut", "body", amount=5.0),)),
    # A body of steps writes outside of any step.
    "read-only-sessions": Plan((Job("stray"),)),
    # A body keeps the interpreter to itself for more than two leases.
    "renewer-outside": Plan((Job("hog"),)),
    # A worker reaches neither the database nor Redis.
    "owner-stops-first": Plan(
        (Job("slow"),), (Fault("database-cut", "body", amount=5.0), Fault("redis-cut", "body", amount=5.0))
    ),
    # Somebody keeps SQLite locked for little more than a lease, and no heartbeat can be written.
    "heeded-lock": Plan(
        (Job("slow"), Job("value", at=1.0)),
        (Fault("commit-late-undone", "COMMIT", nth=2, by="client", amount=2.2),),
        restlessness=0.3,
        redis=False,
        workers=3,
    ),
    # An operator cancels a job that runs, and has it tried again at once.
    "unhurried-retry": Plan((Job("slow"),), (Fault("cancel", "body"), Fault("retry", "cancel.after")), redis=False),
    # A body swallows a deadlock, as MariaDB undoes it.
    "execute-wrapper": Plan((Job("swallows"),)),
    # Two workers find a free slot, and the first one to claim stalls before it commits.
    "slots-are-counted": Plan((Job("press"), Job("press")), (Fault("stall", "limit.locked", amount=0.3),)),
    # Two jobs under a rate are due at once.
    "turns-are-taken": Plan((Job("pace"), Job("pace"))),
    # A job has ended unbegun because of another; an operator has both tried again, and the other fails once more.
    "behind-the-gate-again": Plan(
        (Job("stray"), Job("gather", at=0.5, after=(0,))), (Fault("retry", "judge.after", by="client"),)
    ),
    # Who enqueued a job has seen that it cannot go on, and stalls; meanwhile it can, and is done.
    "gate-opens-once": Plan(
        (Job("slow"), Job("gather", at=0.5, after=(0,))),
        (Fault("cancel", "body"), Fault("retry", 0.6), Fault("stall", "judge.before", by="client", amount=8.0)),
    ),
    # The only process that knows that a job may go on dies before it has said so.
    "swept-gates": Plan((Job("slow"), Job("gather", after=(0,))), (Fault("kill-worker", "judge.before", by="main"),)),
    # The clock is set back, and the schedule declared anew, as if it had never ticked.
    "schedule-ledger": Plan((), (Fault("database-clock", 2.5, amount=-5.0), Fault("reschedule", 2.6)), ticks=True),
    # A worker dies with a tick in the ledger, and no job.
    "schedule-whole": Plan((), (Fault("kill-worker", "tick.before-enqueue"),), ticks=True),
    # A worker freezes before it leaves a checkpoint, and thaws when others have left theirs.
    "checkpoint-fence": Plan(
        (Job("freely"),),
        tuple(
            Fault(what, "INSERT ledgerentry", nth=2, by="executor", amount=amount)
            for what, amount in (("freeze", 8.0), ("freeze-worker", 8.5))
        ),
    ),
    # An executor dies behind a call.
    "intent": Plan((Job("delivers"),), (Fault("kill", "called"),)),
    # A worker freezes before a call, and thaws when somebody has said that there was none, and it was made.
    "asks-behind-the-intent": Plan(
        (Job("delivers"),),
        (
            Fault("freeze", "deliver.before-call", nth=2, amount=8.0),
            Fault("freeze-worker", "deliver.before-call", nth=2, amount=8.5),
            Fault("decide", 6.0),
        ),
    ),
    # A job is in doubt, and old jobs are pruned.
    "doubt-is-kept": Plan((Job("delivers"),), (Fault("kill", "called"), Fault("prune", 6.0), Fault("decide", 7.0))),
    # A unique job runs when it is enqueued again.
    "unique-held": Plan((Job("sole"), Job("sole", at=0.3))),
}
