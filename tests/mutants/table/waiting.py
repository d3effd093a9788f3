"""Jobs that wait for others: begun when all have succeeded, once, and never because nobody came to look."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

RACES = "tests/races/test_what_waits_for_all_is_begun_once.py"
ROWS = "tests/database/test_jobs_wait_for_others.py"
DOOR = "tests/worker/test_gates_are_opened_when_earlier_jobs_end.py"

MUTANTS = (
    Mutant(
        name="gate-opens-once",
        mechanism="Of all who see that a job may go on, or has to end, the first changes it, and nobody else",
        off="nobody looks whether it still waits",
        pieces=(
            Piece(
                "lifecycle/judge.py",
                "            if job.status == TaskResultStatus.READY and job.gate == Gate.AFTER\n",
                "",
            ),
            Piece("lifecycle/judge.py", ".filter(_WAITS)", ".all()"),
        ),
        killers=(
            Killer(f"{RACES}::test_who_has_seen_the_gate_closed_and_comes_late_changes_nothing"),
            Killer(f"{RACES}::test_who_has_seen_the_gate_closed_and_comes_late_changes_nothing", on=SERVER),
            Killer(f"{RACES}::test_who_has_seen_a_failure_and_comes_late_ends_nothing_that_was_begun"),
            Killer(f"{SIMULATED}[gate-opens-once]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="all-have-succeeded",
        mechanism="A gate is opened because all earlier jobs are seen to have succeeded, in one look",
        off="that none waits or runs, and then that none has failed, is enough",
        pieces=(Piece("lifecycle/judge.py", "job_id not in found]", "job_id not in found or found[job_id].may_go]"),),
        killers=(Killer(f"{ROWS}::test_one_that_is_retried_while_it_is_looked_at_is_waited_for"),),
    ),
    Mutant(
        name="looked-at-after-the-enqueue",
        mechanism="Whoever has enqueued a job looks whether what it waits for ended while nobody could see it wait",
        off="that is left to the keepers",
        pieces=(Piece("backend.py", "_on_commit(lambda: lifecycle.judge(job_ids))", "lifecycle"),),
        killers=(
            Killer(f"{RACES}::test_an_end_that_nobody_could_see_waited_for_is_found_by_whoever_enqueued", on=SERVER),
        ),
    ),
    Mutant(
        name="looked-at-after-the-end",
        mechanism="Whoever has written down that a job ended looks at once who waits for it",
        off="that is left to the keepers",
        pieces=(Piece("worker/doorkeeper.py", "if not self._is_needed:\n            return []", "return []"),),
        killers=(Killer(f"{DOOR}::test_an_end_that_is_settled_opens_the_gate_behind_it_and_a_worker_is_woken"),),
    ),
    Mutant(
        name="swept-gates",
        mechanism="A keeper finds the jobs that nobody has let go on, because a process died before it could",
        off="keepers do not look at jobs that wait",
        pieces=(Piece("worker/keeper.py", "else self._sweep(self._doorkeeper)", "else self._options.keeper_seconds"),),
        killers=(
            Killer(f"{DOOR}::test_what_was_missed_is_swept_up_in_lots_and_the_dispatcher_looks"),
            Killer(f"{SIMULATED}[swept-gates]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="waited-for-stays",
        mechanism="A job is not pruned while one that waits for it has not succeeded",
        off="it is pruned as others are",
        pieces=(Piece("lifecycle/prune.py", "finished = finished.filter(not_waited_for())", "pass"),),
        killers=(
            Killer(
                f"{ROWS}::TestPrune::test_one_that_is_waited_for_stays_until_that_has_ended_and_what_was_waited_for_is_"
                "forgotten_with_it"
            ),
        ),
    ),
    Mutant(
        name="waited-for-stays-behind-a-failure",
        mechanism="A job is not pruned while one that has waited for it is FAILED, and may be retried",
        off="it is pruned when that has ended",
        pieces=(
            Piece(
                "lifecycle/depend.py",
                'exclude(status=TaskResultStatus.SUCCESSFUL).filter(pk=OuterRef("job_id"))',
                'unfinished().filter(pk=OuterRef("job_id"))',
            ),
        ),
        killers=(Killer(f"{ROWS}::TestPrune::test_one_that_a_failed_job_has_waited_for_stays_as_long_as_that"),),
    ),
    Mutant(
        name="behind-the-gate-again",
        mechanism="A job that ended unbegun and is retried waits for its earlier jobs again",
        off="it is begun whatever has become of them",
        pieces=(
            Piece(
                "lifecycle/retry.py",
                "gate=Gate.AFTER if _waits(job) else gate_again()",
                "gate=gate_again()",
            ),
        ),
        killers=(
            Killer(f"{ROWS}::TestRetry::test_one_that_ended_unbegun_waits_again_and_its_earlier_ones_are_judged_anew"),
            Killer(f"{SIMULATED}[behind-the-gate-again]", on=SQLITE, by="Violation"),
        ),
    ),
)
