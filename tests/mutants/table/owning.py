"""The fence: only who owns a claim ends it, and writes under it."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

STALE = "tests/races/test_a_stale_worker_cannot_settle.py"
OWNER = "tests/database/test_only_the_owner_ends_a_claim.py"
ATOMIC = "tests/effects/test_a_body_its_fence_and_its_result_are_one.py"
IMPORT_JOB = "from ...models import Job\n"
ATOMIC_BLOCK = "with connection.execute_wrapper(job.guard), block(connection, job.guard"
ASK = "owned = Job.objects.filter(pk=fence.job_id, token=fence.token).exists()"
FROZEN = "tests/process/test_a_frozen_worker_lands_no_write.py"

MUTANTS = (
    Mutant(
        name="fence",
        mechanism="What a body or a step writes is committed only under the token of its claim",
        off="the last statement of the transaction does not name the token",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                """OWNED = "id = %s AND token = %s AND status = 'RUNNING'\"""",
                """OWNED = "id = %s AND %s IS NOT NULL AND status = 'RUNNING'\"""",
            ),
        ),
        killers=(
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_succeed]"),
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_hold]"),
            Killer(f"{FROZEN}::test_what_its_bodies_write_when_they_wake_up_is_refused[plain-still runs]"),
            Killer(f"{SIMULATED}[fence]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="fence-status",
        mechanism="A job that has succeeded never changes, not even by the one who made it succeed",
        off="the last statement of the transaction does not name the status",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                """OWNED = "id = %s AND token = %s AND status = 'RUNNING'\"""",
                """OWNED = "id = %s AND token = %s\"""",
            ),
        ),
        killers=(Killer(f"{OWNER}::test_a_successful_job_never_changes[succeed]"),),
    ),
    Mutant(
        name="fence-refuses",
        mechanism="When the fence finds no row, everything that the body wrote is undone",
        off="that the fence found no row is not looked at",
        pieces=(Piece("worker/executor/fenced.py", "if not statement():", "if statement() is None:"),),
        killers=(Killer(f"{ATOMIC}::test_a_body_that_is_no_longer_the_owner_leaves_nothing[revoke-before it writes]"),),
    ),
    Mutant(
        name="fence-is-last",
        mechanism="The fence is the last statement of the body's transaction",
        off="who owns the job is asked before the body instead, and believed behind it",
        pieces=(
            Piece("worker/executor/effects.py", "from ... import lifecycle", f"{IMPORT_JOB}from ... import lifecycle"),
            Piece("worker/executor/effects.py", ATOMIC_BLOCK, f"{ASK}\n    {ATOMIC_BLOCK}"),
            Piece(
                "worker/executor/effects.py",
                "lifecycle.succeed(connection, fence, value))",
                "lifecycle.succeed(connection, fence, value) or owned)",
            ),
        ),
        killers=(Killer(f"{ATOMIC}::test_a_body_that_is_no_longer_the_owner_leaves_nothing[revoke-before it writes]"),),
    ),
    Mutant(
        name="fence-of-a-batch",
        mechanism="Jobs that are settled together are settled each under its own token",
        off="a batch is settled by the ids of its jobs",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                "WHERE job.id = ended.id AND job.token = ended.token AND job.status = 'RUNNING'",
                "WHERE job.id = ended.id AND job.status = 'RUNNING'",
            ),
            Piece("lifecycle/settle.py", 'where = f"token = %s AND id IN', 'where = f"%s IS NOT NULL AND id IN'),
        ),
        killers=(
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_settle]"),
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_settle]", on=SERVER),
        ),
    ),
    Mutant(
        name="fence-of-a-failure",
        mechanism="A failure or a crash is written down only under the token of the claim that failed",
        off="a failure is written down by the id of its job",
        pieces=(
            Piece(
                "lifecycle/fail.py",
                ".running().filter(pk=fence.job_id, token=fence.token)",
                ".running().filter(pk=fence.job_id)",
            ),
        ),
        killers=(
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_fail]"),
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_crash]"),
        ),
    ),
    Mutant(
        name="comparing-hand-back",
        mechanism="A job is handed back only under the token of the claim that gives it up",
        off="a job is handed back by its id",
        pieces=(Piece("lifecycle/release.py", ".running().filter(token=token, pk__in=", ".running().filter(pk__in="),),
        killers=(
            Killer(f"{STALE}::test_a_late_word_waits_for_the_rescue_and_is_refused[end_by_release]"),
            Killer(f"{SIMULATED}[comparing-hand-back]", on=SQLITE, by="Violation"),
        ),
    ),
)
