"""COMMIT and the ledger: what a body wrote is committed as a whole, once, and its outcome is never guessed."""

from tests.mutants.mutant import MYSQL, SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

IN_FLIGHT = "tests/races/test_a_commit_in_flight_is_waited_for.py"
LOST = "tests/effects/test_a_lost_commit_is_decided_by_asking.py"
STEPS = "tests/effects/test_a_step_is_done_once.py"
SWALLOWED = "tests/effects/test_a_swallowed_error_commits_nothing.py"
MIDDLE = "tests/effects/test_nothing_ends_the_transaction_in_the_middle.py"
READ_ONLY = "tests/effects/test_steps_write_in_once_alone.py"
CARELESS = "tests/process/test_what_careless_bodies_write_is_not_committed.py"
CRASH = "tests/process/test_a_step_is_not_repeated_after_a_crash.py"

MUTANTS = (
    Mutant(
        name="ledger",
        mechanism="A step is entered in the ledger in the transaction of its effects, so no other attempt repeats it",
        off="steps are not entered",
        pieces=(Piece("worker/executor/steps.py", "ledger.record_step(job.fence, name, text)", "pass"),),
        killers=(
            Killer(f"{STEPS}::test_a_step_that_was_done_is_not_done_again[7-steps]"),
            Killer(f"{CRASH}::test_the_next_attempt_finds_it_done"),
            Killer(f"{SIMULATED}[ledger]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="counted-steps",
        mechanism="A claim whose steps the database has forgotten, in a failover, neither goes on nor succeeds",
        off="how many steps of a claim are committed is not compared",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                'WHERE {OWNED} AND steps = %s{_then_commit_soon(connection)}",\n            [result,',
                'WHERE {OWNED} AND steps >= %s * 0{_then_commit_soon(connection)}",\n            [result,',
            ),
            Piece(
                "lifecycle/settle.py",
                'WHERE {OWNED} AND steps = %s{_then_commit_soon(connection)}",\n            [*',
                'WHERE {OWNED} AND steps >= %s * 0{_then_commit_soon(connection)}",\n            [*',
            ),
        ),
        killers=(
            Killer(f"{STEPS}::test_steps_that_the_database_has_forgotten_keep_the_job_from_its_end[False-steps]"),
            Killer(
                f"{STEPS}::test_steps_that_the_database_has_forgotten_keep_the_job_from_its_end[True-steps]",
                by="Failed",
            ),
        ),
    ),
    Mutant(
        name="once-replays",
        mechanism="A step that an earlier attempt did is answered from the ledger",
        off="the ledger is not asked before a step",
        pieces=(Piece("worker/executor/steps.py", "done = ledger.step(job.id, name)", "done = None"),),
        killers=(
            Killer(f"{STEPS}::test_a_step_that_was_done_is_not_done_again[7-steps]", by="TypeError"),
            Killer(f"{CRASH}::test_the_next_attempt_finds_it_done"),
        ),
    ),
    Mutant(
        name="one-owner-per-step",
        mechanism="Of two owners who enter one step, the second is refused",
        off="an entry that is there already is passed over in silence",
        pieces=(
            Piece(
                "ledger.py",
                "entries.create(\n",
                "(lambda **entry: entries.bulk_create([LedgerEntry(**entry)], ignore_conflicts=True))(\n",
            ),
        ),
        killers=(
            Killer(
                "tests/races/test_two_owners_cannot_both_do_a_step.py::test_the_second_is_refused_when_the_first_commits"
            ),
        ),
    ),
    Mutant(
        name="locking-read",
        mechanism="The read that decides a COMMIT of unknown outcome waits for one that is still under way",
        off="it is a plain read",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                'lock = " FOR UPDATE" if connection.features.has_select_for_update else ""',
                'lock = ""',
            ),
            Piece("lifecycle/settle.py", "take_write_lock(connection)\n        with connection", "with connection"),
        ),
        killers=(
            Killer(f"{IN_FLIGHT}::test_a_job_that_is_being_committed_counts_as_done_only_once_it_is"),
            Killer(f"{IN_FLIGHT}::test_a_job_that_is_being_committed_counts_as_done_only_once_it_is", on=SERVER),
            Killer(f"{SIMULATED}[locking-read]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="unknown-commit",
        mechanism="A COMMIT of unknown outcome is asked about before its job is reported as failed",
        off="a COMMIT that was cut counts as lost",
        pieces=(Piece("worker/executor/fenced.py", "landed = persistently(connection, committed)", "landed = False"),),
        killers=(
            Killer(f"{LOST}::test_a_body_that_landed_is_done"),
            Killer("tests/process/test_a_lost_connection_needs_no_restart.py::test_around_a_commit", on=MYSQL),
        ),
    ),
    Mutant(
        name="unknown-commit-landed",
        mechanism="A COMMIT of unknown outcome is asked about before its job is reported as done",
        off="a COMMIT that was cut counts as landed",
        pieces=(Piece("worker/executor/fenced.py", "landed = persistently(connection, committed)", "landed = True"),),
        killers=(
            Killer(f"{LOST}::test_a_body_that_did_not_land_has_failed", by="DoesNotExist"),
            Killer(f"{LOST}::test_a_step_is_done_once_either_way[was lost-steps]"),
        ),
    ),
    Mutant(
        name="hooks-after-commit",
        mechanism="A hook that raises behind the COMMIT does not look like a COMMIT that failed",
        off="hooks run inside Django's COMMIT",
        pieces=(
            Piece(
                "worker/executor/fenced.py",
                "self.hooks, self._connection.run_on_commit = self._connection.run_on_commit, []",
                "self.hooks = []",
            ),
        ),
        killers=(
            Killer("tests/effects/test_hooks_run_after_commit.py::test_one_that_raises_changes_nothing[False-error0]"),
        ),
    ),
    Mutant(
        name="execute-wrapper",
        mechanism="A database error that undid part of the body undoes all of it, though the body swallowed it",
        off="that there was an error is not noted",
        pieces=(Piece("worker/executor/guard.py", "self._broken = self._broken or error", "pass"),),
        killers=(
            Killer(f"{CARELESS}::test_a_swallowed_error_undoes_all_of_the_body", on=("sqlite", "mysql")),
            Killer(
                f"{SWALLOWED}::test_it_undoes_what_was_written_before_and_after[is_no_sql-returns]", by="DoesNotExist"
            ),
            Killer(f"{SWALLOWED}::test_a_deadlock_undoes_the_whole_transaction[plain]", on=MYSQL),
            Killer(
                f"{SWALLOWED}::test_a_lock_that_was_not_to_be_had_undoes_an_unknown_part", on=MYSQL, by="DoesNotExist"
            ),
            Killer(f"{SIMULATED}[execute-wrapper]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="one-transaction",
        mechanism="No statement of a body ends its transaction in the middle",
        off="COMMIT and its like are let through",
        pieces=(Piece("worker/executor/guard.py", "self._refuse_what_ends_the_block(sql)", "pass"),),
        killers=(
            Killer(f"{MIDDLE}::test_it_is_refused_and_undoes_what_was_written[COMMIT0]"),
            Killer(f"{MIDDLE}::test_it_is_refused_as_the_first_statement"),
        ),
    ),
    Mutant(
        name="read-only-sessions",
        mechanism="Outside of once(), the database itself refuses the writes of a body in steps",
        off="the session is not made read-only",
        pieces=(
            Piece("worker/executor/readonly.py", "    _tell(connection, _REFUSE[connection.vendor])", "    return"),
        ),
        killers=(
            Killer(f"{READ_ONLY}::test_a_write_outside_is_refused[<lambda>0]", by="DoesNotExist"),
            Killer(f"{READ_ONLY}::test_one_that_is_swallowed_is_not_done_either"),
            Killer(f"{CARELESS}::test_a_write_outside_of_steps_is_refused_by_the_database"),
            Killer(f"{SIMULATED}[read-only-sessions]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="read-only-after-a-step",
        mechanism="Behind a step, the session refuses writes again",
        off="the session stays open for writes after its first step",
        pieces=(
            Piece(
                "worker/executor/readonly.py",
                "            with suppress(Exception):\n                _or_close(forbid, connection)",
                "            pass",
            ),
        ),
        killers=(Killer(f"{READ_ONLY}::test_after_a_step_too", by="DoesNotExist"),),
    ),
    Mutant(
        name="read-only-anew",
        mechanism="A session that is opened anew in a body refuses writes as well",
        off="only the first session is read-only",
        pieces=(Piece("worker/executor/readonly.py", "connection_created.connect(again)", "pass"),),
        killers=(Killer(f"{READ_ONLY}::test_a_write_outside_is_refused[on_a_new_connection]", by="DoesNotExist"),),
    ),
)
