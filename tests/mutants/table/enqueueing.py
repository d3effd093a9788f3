"""Enqueueing: one job for one key, for ever, and a word to the workers only once it is true."""

from tests.mutants.mutant import MYSQL, POSTGRESQL, SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

KEYS = "tests/database/test_idempotency_keys.py"
TWENTY = "tests/races/test_twenty_enqueues_of_one_key_make_one_job.py"
UNIQUE = "tests/database/test_unique_jobs.py"
ONE = "tests/races/test_one_unique_job_at_a_time.py"

MUTANTS = (
    Mutant(
        name="enqueue-key",
        mechanism="The same key enqueued twice is one job",
        off="keys are not entered in the ledger",
        pieces=(
            Piece(
                "lifecycle/create.py",
                "entry = ledger.reserve(connection, scope, task.idempotency_key, job_id=job_id, fingerprint=print_)",
                "entry = None",
            ),
        ),
        killers=(
            Killer(f"{KEYS}::test_the_second_enqueue_answers_with_the_first_job"),
            Killer(f"{TWENTY}::test_twenty_threads_get_one_job[as configured]", by="MultipleObjectsReturned"),
        ),
    ),
    Mutant(
        name="enqueue-key-waits",
        mechanism="Who enters a key that another is entering waits, and goes by how that one ends",
        off="it looks, and enters when there is nothing to see",
        pieces=(
            Piece(
                "ledger.py",
                "while not "
                '_insert(connection, scope, key, job_id, fingerprint, "ON CONFLICT (scope, key) DO NOTHING"):\n'
                "        if (there := entries.first()) is not None:  # Else its time was over, and it went just now.\n"
                "            return there\n    return None",
                "entry = entries.first()\n    if entry is None:\n"
                '        _insert(connection, scope, key, job_id, fingerprint, "ON CONFLICT (scope, key) DO NOTHING")\n'
                "    return entry",
            ),
        ),
        killers=(Killer(f"{TWENTY}::test_the_second_waits_for_the_first_and_gets_its_job", on=POSTGRESQL),),
    ),
    Mutant(
        name="enqueue-key-reads-anew",
        mechanism="On MariaDB, the entry of a key is read as it is, not as it was when the transaction began",
        off="it is read from the snapshot",
        pieces=(Piece("ledger.py", ".select_for_update().get(scope=scope, key=key)", ".get(scope=scope, key=key)"),),
        killers=(Killer(f"{TWENTY}::test_twenty_threads_get_one_job[repeatable read]", on=MYSQL, by="DoesNotExist"),),
    ),
    Mutant(
        name="one-call-per-key",
        mechanism="A key that is used again with other arguments is an error, not an answer",
        off="the arguments are not compared",
        pieces=(Piece("lifecycle/create.py", "if entry.fingerprint != print_:", "if False:"),),
        killers=(
            Killer(f"{KEYS}::test_other_arguments_are_an_error_that_says_so_and_enqueues_nothing"),
            Killer(f"{TWENTY}::test_the_second_with_other_arguments_is_told_so"),
        ),
    ),
    Mutant(
        name="kept-results",
        mechanism="A key is answered with the result of its job also after the job was pruned",
        off="results go with their jobs",
        pieces=(Piece("lifecycle/prune.py", "        _keep_results([", "        (["),),
        killers=(
            Killer(
                "tests/database/test_prune.py::test_a_repeated_enqueue_is_answered_with_the_remembered_result",
                by="TaskResultDoesNotExist",
            ),
        ),
    ),
    Mutant(
        name="hint-on-commit",
        mechanism="Workers hear of a job once the transaction that enqueued it is committed",
        off="they hear of it at once",
        pieces=(
            Piece(
                "backend.py",
                "_on_commit(lambda: hints.hint(lists))",
                "hints.hint(lists)",
            ),
        ),
        killers=(
            Killer(
                "tests/backend/test_hints_and_signals_change_nothing.py::test_a_hint_goes_out_on_commit_and_not_before"
            ),
        ),
    ),
    Mutant(
        name="unique-held",
        mechanism="A job that is unique while it is active holds its key while it waits and while it runs",
        off="it holds it while it waits",
        pieces=(
            Piece(
                "models.py",
                """models.Q(unique_while="active", status__in=["READY", "RUNNING"])""",
                """models.Q(unique_while="active", status__in=["READY"])""",
            ),
            Piece(
                "migrations/0001_initial.py",
                """models.Q(("status__in", ["READY", "RUNNING"]), ("unique_while", "active")),""",
                """models.Q(("status__in", ["READY"]), ("unique_while", "active")),""",
            ),
        ),
        killers=(Killer(f"{SIMULATED}[unique-held]", on=SQLITE, by="Violation"),),
    ),
    Mutant(
        name="unique-not-begun",
        mechanism="A waiting job that a transaction has found does not begin before that has ended",
        off="it is found without a lock",
        pieces=(
            Piece("lifecycle/unique.py", '"FOR KEY SHARE" if task.unique == "waiting" else ""', '""'),
            Piece("lifecycle/unique.py", 'task.unique == "active" and is_fresh', "is_fresh"),
        ),
        killers=(Killer(f"{ONE}::test_the_job_that_was_found_begins_only_when_who_found_it_has_committed", on=SERVER),),
    ),
    Mutant(
        name="unique-in-line",
        mechanism="On MariaDB and MySQL, of those who find no holder of a key one at a time goes on",
        off="all go on, and may lock in the other order than claims do",
        pieces=(Piece("lifecycle/unique.py", "_wait_in_line(connection, missing)", "pass"),),
        killers=(Killer(f"{ONE}::test_nobody_inserts_what_another_is_inserting[waiting]", on=MYSQL),),
    ),
    Mutant(
        name="nothing-locked-in-line",
        mechanism="On MariaDB and MySQL, who waits in line for a key has no row locked of a job that has let go of it",
        off="he has: the row of a job that began while he looked",
        pieces=(
            Piece("lifecycle/unique.py", "(_NOBODY, *lot) if is_fresh else lot", "lot"),
            Piece(
                "lifecycle/unique.py",
                "held = _seen(connection, task, keys, patiently=False)",
                "held = _seen(connection, task, keys, patiently=True)",
            ),
        ),
        killers=(
            Killer(f"{ONE}::test_who_waits_in_line_keeps_no_job_from_ending[True]", on=MYSQL, by="TimeoutError"),
            Killer(f"{ONE}::test_who_waits_in_line_keeps_no_job_from_ending[False]", on=MYSQL, by="TimeoutError"),
        ),
    ),
    Mutant(
        name="no-gap-in-line",
        mechanism="Under REPEATABLE READ, who waits in line for a key has no gap locked between jobs",
        off="he has: that in which the first in line inserts",
        pieces=(Piece("lifecycle/unique.py", "patiently=patiently or not is_fresh", "patiently=patiently"),),
        killers=(
            Killer(
                f"{ONE}::test_who_waits_in_line_keeps_nobody_from_enqueueing[repeatable read]",
                on=MYSQL,
                by="TimeoutError",
            ),
        ),
    ),
    Mutant(
        name="unique-retry",
        mechanism="A retry of a unique job whose key another holds is refused, and says whose it is",
        off="the refusal of the database is not explained",
        pieces=(Piece("lifecycle/retry.py", "(_again if job.unique_key is None else _again_if_unique)", "_again"),),
        killers=(Killer(f"{UNIQUE}::test_a_job_cannot_be_retried_while_another_is_there", by="IntegrityError"),),
    ),
    Mutant(
        name="bulk-keys-in-order",
        mechanism="Who enqueues many under keys takes these in their own order",
        off="they are taken in the order of the calls",
        pieces=(Piece("ledger.py", "ordered = sorted(wanted)", "ordered = list(wanted)"),),
        killers=(
            Killer(
                "tests/races/test_bulks_with_the_same_keys_do_not_deadlock.py"
                "::test_overlapping_keys_in_other_orders_do_not_deadlock[new]",
                on=POSTGRESQL,
                by="OperationalError",
            ),
        ),
    ),
)
