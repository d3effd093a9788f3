"""Two databases: a job is there if its caller's transaction elsewhere commits; what it writes there is done once."""

from tests.mutants.mutant import POSTGRESQL, SERVER, Killer, Mutant, Piece

SUITE = "tests/aliases/suite"
EXISTS = f"{SUITE}/test_a_job_exists_if_its_callers_transaction_commits.py"
FENCE = f"{SUITE}/test_the_fence_follows_the_alias_that_is_written.py"
DIES = f"{SUITE}/test_a_caller_may_die_or_freeze_anywhere.py"
WORKERS = f"{SUITE}/test_workers_die_and_freeze_while_they_write_there.py"

_MARKS = "    ledger.mark_commit(connections[database], job_id)\n"

_CALLERS = (
    Mutant(
        name="commit-marker",
        mechanism="A caller's transaction elsewhere carries a marker: whether it was committed is known whoever dies",
        off="it carries none",
        pieces=(Piece("lifecycle/commit.py", _MARKS, ""),),
        killers=(
            Killer(f"{EXISTS}::test_a_caller_that_died_behind_its_commit_has_its_job_done", by="AttributeError"),
            Killer(f"{DIES}::test_killed[enqueue-commit.before-open]"),
        ),
    ),
    Mutant(
        name="marker-before-job",
        mechanism="The marker comes before the job: who sees a job without one knows that its caller's work was undone",
        off="it comes behind the job",
        pieces=(
            Piece("lifecycle/commit.py", _MARKS, ""),
            Piece(
                "lifecycle/commit.py",
                '    reached("commit.after-job")\n',
                f'    reached("commit.after-job")\n{_MARKS}',
            ),
        ),
        # On SQLite the caller's transaction has locked that whole database by then.
        killers=(Killer(f"{DIES}::test_frozen_while_others_judge[enqueue-commit.after-job]", on=SERVER),),
    ),
    Mutant(
        name="commit-gate",
        mechanism="A job is not begun before its caller's transaction elsewhere is committed",
        off="it has no gate",
        pieces=(Piece("lifecycle/commit.py", "gate=Gate.COMMIT)\n        ledger", "gate=Gate.OPEN)\n        ledger"),),
        killers=(Killer(f"{EXISTS}::test_it_waits_until_then_and_its_id_is_known_at_once"),),
    ),
    Mutant(
        name="commit-gate-again",
        mechanism="A job that is cancelled and retried in the meantime goes on waiting for the COMMIT",
        off="its gate is opened",
        pieces=(
            Piece(
                "lifecycle/gates.py",
                "When(gate=Gate.COMMIT, then=Value(Gate.COMMIT))",
                "When(gate=Gate.COMMIT, then=Value(Gate.OPEN))",
            ),
        ),
        killers=(
            Killer(f"{EXISTS}::test_one_that_was_cancelled_and_retried_meanwhile_still_waits[True]"),
            Killer(f"{EXISTS}::test_one_that_was_cancelled_and_retried_meanwhile_still_waits[False]"),
        ),
    ),
    Mutant(
        name="commit-opens-the-gate",
        mechanism="The COMMIT opens the gate of its job at once",
        off="that is left to the judges",
        pieces=(Piece("elsewhere.py", "            lifecycle.open_gate(job_id)\n", "            pass\n"),),
        killers=(Killer(f"{EXISTS}::test_it_waits_until_then_and_its_id_is_known_at_once"),),
    ),
    Mutant(
        name="commit-stays-good",
        mechanism="An error of the jobs' database behind a COMMIT elsewhere does not look like a COMMIT that failed",
        off="it is raised at the caller",
        pieces=(Piece("elsewhere.py", "robust=True", "robust=False"),),
        killers=(
            Killer(
                f"{EXISTS}::test_an_error_of_the_jobs_database_behind_the_commit_is_none_of_the_callers",
                by="ZeroDivisionError",
            ),
        ),
    ),
    Mutant(
        name="limit-behind-the-commit",
        mechanism="A job with a limit that has waited for a COMMIT comes to its limit next",
        off="it comes to no gate",
        pieces=(Piece("lifecycle/commit.py", "update(gate=_gate_behind())", "update(gate=Gate.OPEN)"),),
        killers=(Killer(f"{EXISTS}::test_its_limit_holds_for_it_once_that_has_committed"),),
    ),
    Mutant(
        name="no-gate-for-the-cancelled",
        mechanism="A job that was cancelled before the COMMIT comes to no gate behind it",
        off="it comes to that of its limit",
        pieces=(Piece("lifecycle/commit.py", "update(gate=_gate_behind())", "update(gate=gate_behind())"),),
        killers=(Killer(f"{EXISTS}::test_one_that_was_cancelled_meanwhile[True-alone]"),),
    ),
    Mutant(
        name="commit-is-awaited",
        mechanism="That a job waits for a COMMIT is entered with it, so that somebody judges what its caller leaves",
        off="it is not entered",
        pieces=(Piece("lifecycle/commit.py", "ledger.wait_for_commit(connection, job_id, database=database)", "pass"),),
        killers=(
            Killer(f"{EXISTS}::test_it_goes_with_a_transaction_that_is_undone"),
            Killer(f"{EXISTS}::test_a_caller_that_died_behind_its_commit_has_its_job_done"),
        ),
    ),
    Mutant(
        name="ledger-is-there",
        mechanism="Without a ledger to mark, nothing is enqueued, and nothing is written by a body, but an error told",
        off="nobody looks whether it is there",
        pieces=(Piece("ledger.py", "    if TABLE not in connection.introspection.table_names():", "    if False:"),),
        killers=(
            Killer(f"{EXISTS}::test_a_marker_that_cannot_be_made_enqueues_nothing"),
            Killer(f"{FENCE}::TestABody::test_a_database_without_a_ledger_is_told", by="DoesNotExist"),
        ),
    ),
    Mutant(
        name="keys-do-not-wait",
        mechanism="Nobody is answered with a job that may go again: one with a key does not wait for a COMMIT",
        off="it waits as others do",
        pieces=(Piece("elsewhere.py", "if task.idempotency_key is not None or task.unique", "if task.unique"),),
        killers=(Killer(f"{EXISTS}::test_what_cannot_wait_is_refused"),),
    ),
    Mutant(
        name="unique-does-not-wait",
        mechanism="Nor does a unique one",
        off="it waits as others do",
        pieces=(Piece("elsewhere.py", " or task.unique is not None:", ":"),),
        killers=(Killer(f"{EXISTS}::test_what_cannot_wait_is_refused"),),
    ),
    Mutant(
        name="one-gate-at-a-time",
        mechanism="A job that waits for others does not wait for a COMMIT, which their ends would overtake",
        off="it waits for both",
        pieces=(Piece("elsewhere.py", "    if task.after:", "    if False:"),),
        killers=(Killer(f"{EXISTS}::test_what_cannot_wait_is_refused"),),
    ),
    Mutant(
        name="many-do-not-wait",
        mechanism="Jobs of enqueue_many(), which makes no gates, are not enqueued if they had to wait for a COMMIT",
        off="they are enqueued at once",
        pieces=(Piece("elsewhere.py", "if any(open_transaction(task) is not None for task in tasks):", "if False:"),),
        killers=(Killer(f"{EXISTS}::test_what_cannot_wait_is_refused"),),
    ),
    Mutant(
        name="commit-that-is-told",
        mechanism="A transaction of whose COMMIT Django tells nobody is refused",
        off="the job is enqueued at once",
        pieces=(Piece("elsewhere.py", "if not connection.get_autocommit():", "if False:"),),
        killers=(Killer(f"{EXISTS}::test_a_transaction_that_is_not_of_atomic_is_refused"),),
    ),
)

_JUDGES = (
    Mutant(
        name="judge",
        mechanism="Every worker with several databases judges what waits for a COMMIT and has no caller any more",
        off="no worker does",
        pieces=(Piece("worker/supervisor.py", "if len(connections.settings) > 1:", "if False:"),),
        killers=(Killer(f"{EXISTS}::test_a_worker_does_what_was_committed_and_clears_away_what_was_not[plain]"),),
    ),
    Mutant(
        name="commit-under-way",
        mechanism="Who judges enters the caller's key, and so waits for its transaction if that is not over",
        off="that no marker is seen is enough",
        pieces=(
            Piece(
                "lifecycle/commit.py",
                "    if ledger.is_marked(connection, job_id):\n        return True\n",
                "    return ledger.is_marked(connection, job_id)\n",
            ),
        ),
        killers=(
            Killer(f"{EXISTS}::test_nobody_judges_while_the_transaction_is_open", by="AttributeError"),
            Killer(f"{EXISTS}::test_who_judges_waits_for_the_transaction_and_goes_by_how_it_ends[True]"),
            Killer(f"{DIES}::test_frozen_while_others_judge[enqueue-commit.after-job]"),
        ),
    ),
    Mutant(
        name="refused-is-committed",
        mechanism="That the caller's key cannot be entered tells that it was committed",
        off="it tells that it was undone",
        pieces=(
            Piece(
                "lifecycle/commit.py",
                "            raise\n        return True",
                "            raise\n        return False",
            ),
        ),
        killers=(Killer(f"{EXISTS}::test_who_judges_waits_for_the_transaction_and_goes_by_how_it_ends[True]"),),
    ),
    Mutant(
        name="open-is-not-undone",
        mechanism="Of a transaction that is still open nobody knows anything: it is asked about again",
        off="one that is open for a second counts as undone",
        pieces=(
            Piece(
                "lifecycle/commit.py",
                "            return None\n        raise",
                "            return False\n        raise",
            ),
        ),
        killers=(
            Killer(f"{EXISTS}::test_nobody_judges_while_the_transaction_is_open", by="AttributeError"),
            Killer(f"{DIES}::test_frozen_while_others_judge[enqueue-commit.after-job]"),
        ),
    ),
    Mutant(
        name="judges-mark-nothing",
        mechanism="What a judge enters to find out is undone: it is no marker for the judge that comes next",
        off="it stays",
        pieces=(Piece("lifecycle/commit.py", "transaction.set_rollback(True, using=connection.alias)", "pass"),),
        killers=(
            Killer(f"{EXISTS}::test_it_goes_with_a_transaction_that_is_undone"),
            Killer(f"{DIES}::test_killed[judge-commit.before-drop]"),
        ),
    ),
    Mutant(
        name="judged-by-who-can",
        mechanism="Jobs that wait for an alias that a worker does not have are left to others",
        off="it asks for them all the same",
        pieces=(Piece("worker/judge.py", "        if database not in connections.settings:", "        if False:"),),
        killers=(
            Killer(
                f"{EXISTS}::test_an_alias_that_this_worker_does_not_have_is_left_to_others",
                by="ConnectionDoesNotExist",
            ),
        ),
    ),
    Mutant(
        name="awaited-markers",
        mechanism="A marker stays while its job waits for the COMMIT, however old it is",
        off="it goes when it is old",
        pieces=(Piece("ledger.py", "for pk, job_id in found.items() if job_id not in wanted]", "for pk in found]"),),
        killers=(Killer(f"{EXISTS}::test_old_markers_go_but_for_those_that_are_waited_for", by="DoesNotExist"),),
    ),
    Mutant(
        name="young-markers",
        mechanism="A marker stays for a day",
        off="it goes at once",
        pieces=(
            Piece("ledger.py", "filter(scope=COMMITTED, expires_at__lt=DatabaseNow())", "filter(scope=COMMITTED)"),
        ),
        killers=(Killer(f"{EXISTS}::test_young_markers_stay"),),
    ),
    Mutant(
        name="ledgers-of-others",
        mechanism="A worker that was told where its jobs are deletes nothing elsewhere: jobs of others may write there",
        off="it deletes what it takes for left over",
        pieces=(Piece("worker/judge.py", "        if chosen() is not None:", "        if False:"),),
        killers=(Killer(f"{FENCE}::test_a_worker_that_was_told_where_its_jobs_are_deletes_nothing_elsewhere"),),
    ),
    Mutant(
        name="entries-of-the-living",
        mechanism="What a job has entered elsewhere stays for as long as the job",
        off="it goes",
        pieces=(
            Piece(
                "ledger.py",
                'ours.difference(Job.objects.using(alias()).filter(pk__in=ours).values_list("pk", flat=True))',
                "ours",
            ),
        ),
        killers=(Killer(f"{FENCE}::test_what_is_left_of_pruned_jobs_goes"),),
    ),
    Mutant(
        name="entries-of-fences",
        mechanism="What goes there is what fences have entered from here: other entries are of jobs that are there",
        off="every entry of a job that is not here goes",
        pieces=(
            Piece(
                "ledger.py",
                "entries.filter(entered, job_id__in=gone)",
                "entries.exclude(job_id__in=ours - gone)",
            ),
        ),
        killers=(Killer(f"{FENCE}::test_what_jobs_that_are_there_have_left_stays"),),
    ),
    Mutant(
        name="entries-from-here",
        mechanism="What goes there was entered for jobs of this database, and not of another that writes there, too",
        off="it is not asked from where it was entered",
        pieces=(
            Piece("ledger.py", "for _pk, job_id, home in found if home == here}", "for _pk, job_id, home in found}"),
        ),
        killers=(Killer(f"{FENCE}::test_nor_does_one_whose_jobs_are_elsewhere"),),
    ),
)

_BODIES = (
    Mutant(
        name="step-elsewhere",
        mechanism="What is written elsewhere is entered in the ledger there, in the same transaction",
        off="it is not entered",
        pieces=(
            Piece("worker/executor/abroad.py", "ledger.record_step(job.fence, name, value, connection=there)", "pass"),
        ),
        killers=(
            Killer(f"{FENCE}::TestABody::test_what_was_committed_there_is_not_done_again"),
            Killer(f"{WORKERS}::test_killed_around_the_commit[fence.committed-hold_in_a_step_there]"),
        ),
    ),
    Mutant(
        name="replay-elsewhere",
        mechanism="What an earlier attempt wrote elsewhere is answered from the ledger there",
        off="it is not asked first",
        pieces=(
            Piece("worker/executor/abroad.py", "done = ledger.step(job.id, name, connection=there)", "done = None"),
        ),
        killers=(Killer(f"{FENCE}::TestABody::test_what_was_committed_there_is_not_done_again"),),
    ),
    Mutant(
        name="owner-elsewhere",
        mechanism="What is written elsewhere is committed only if the job's row names this claim",
        off="whatever it names",
        pieces=(
            Piece(
                "worker/executor/abroad.py",
                "return held.enter_context(lifecycle.held(job.connection, job.fence))",
                "return held.enter_context(lifecycle.held(job.connection, job.fence)) or True",
            ),
        ),
        killers=(
            Killer(f"{FENCE}::TestABody::test_a_stale_owner_writes_nothing"),
            Killer(f"{FENCE}::TestABody::test_nor_one_whose_job_was_cancelled"),
            Killer(f"{FENCE}::TestSteps::test_a_stale_owner_does_no_step_there"),
        ),
    ),
    Mutant(
        name="held-elsewhere",
        mechanism="The job's row is locked until the other transaction is committed",
        off="it is looked at and let go",
        pieces=(
            Piece(
                "worker/executor/abroad.py",
                "    held.enter_context(job.writing_here())\n"
                "    return held.enter_context(lifecycle.held(job.connection, job.fence))",
                "    with job.writing_here(), lifecycle.held(job.connection, job.fence) as ours:\n        return ours",
            ),
        ),
        killers=(Killer(f"{FENCE}::TestABody::test_nobody_takes_the_job_away_while_that_commits"),),
    ),
    Mutant(
        name="post",
        mechanism="A claim that writes elsewhere takes the job's post there, and is refused if it cannot",
        off="no post is taken",
        pieces=(
            Piece(
                "worker/executor/abroad.py",
                "if not ledger.take_post(there, job.fence, steps=job.abroad.get(there.alias, 0)):",
                "if False:",
            ),
        ),
        killers=(
            Killer(f"{FENCE}::TestABody::test_one_behind_whom_a_later_claim_wrote_there_writes_nothing"),
            Killer(f"{FENCE}::TestSteps::test_a_database_that_was_set_back_is_noticed_by_the_next_step"),
        ),
    ),
    Mutant(
        name="post-goes-up",
        mechanism="Only a claim of a higher number takes a post from another",
        off="any claim does",
        pieces=(Piece("ledger.py", "else posts.filter(attempt__lte=fence.attempt)", "else posts"),),
        killers=(
            Killer(f"{FENCE}::TestThePost::test_it_goes_up_alone"),
            Killer(f"{FENCE}::TestABody::test_one_behind_whom_a_later_claim_wrote_there_writes_nothing"),
        ),
    ),
    Mutant(
        name="post-counts",
        mechanism="The post names how many steps its claim has committed there",
        off="any number will do",
        pieces=(
            Piece(
                "ledger.py",
                'ours = posts.filter(attempt=fence.attempt, fingerprint=f"{fence.token.hex}:{steps}")',
                "ours = posts.filter(attempt=fence.attempt)",
            ),
        ),
        killers=(Killer(f"{FENCE}::TestThePost::test_it_counts"),),
    ),
    Mutant(
        name="counted-elsewhere",
        mechanism="A claim that has written there finds its post as it left it, or that database was set back",
        off="it does not count what it has committed",
        pieces=(Piece("worker/executor/abroad.py", "steps=job.abroad.get(there.alias, 0)", "steps=0"),),
        killers=(Killer(f"{FENCE}::TestSteps::test_a_database_that_was_set_back_is_noticed_by_the_next_step"),),
    ),
    Mutant(
        name="commit-elsewhere-under-way",
        mechanism="What asks for a COMMIT of unknown outcome elsewhere waits for one that is under way",
        off="it is a plain read",
        pieces=(
            Piece(
                "ledger.py",
                "    try:\n        with transaction.atomic(using=connection.alias):\n            LedgerEntry",
                "    return step(job_id, name, connection=connection)\n"
                "    try:\n        with transaction.atomic(using=connection.alias):\n            LedgerEntry",
            ),
        ),
        killers=(
            Killer(f"{FENCE}::test_who_asks_what_was_committed_waits_for_a_commit_under_way[True]"),
            Killer(f"{FENCE}::test_who_asks_what_was_committed_waits_for_a_commit_under_way[True]", on=SERVER),
        ),
    ),
    Mutant(
        name="asking-enters-nothing",
        mechanism="What is entered to find that out is undone: it does not make a step done",
        off="it stays",
        pieces=(Piece("ledger.py", "transaction.set_rollback(True, using=connection.alias)", "pass"),),
        killers=(
            Killer(f"{FENCE}::TestABody::test_a_commit_of_unknown_outcome_is_found_out[False]"),
            Killer(f"{FENCE}::test_who_asks_what_was_committed_waits_for_a_commit_under_way[False]"),
        ),
    ),
    Mutant(
        name="own-commit-elsewhere",
        mechanism="An entry that another owner made is not taken for the COMMIT of unknown outcome",
        off="whoever entered it",
        pieces=(
            Piece(
                "worker/executor/abroad.py",
                "if entry is not None and entry.fingerprint !=",
                "if False and entry.fingerprint !=",
            ),
        ),
        killers=(Killer(f"{FENCE}::TestABody::test_what_another_owner_has_committed_is_not_taken_for_ones_own"),),
    ),
    Mutant(
        name="frozen-commit-elsewhere",
        mechanism="PostgreSQL ends a transaction elsewhere whose COMMIT does not come",
        off="it is not told to",
        pieces=(Piece("worker/executor/abroad.py", "sessions.commit_soon(there)", "pass"),),
        killers=(
            Killer(f"{FENCE}::TestABody::test_the_database_ends_what_waits_for_its_commit_for_long", on=POSTGRESQL),
        ),
    ),
    Mutant(
        name="read-only-elsewhere",
        mechanism="A database that a task does not name refuses the writes of its bodies",
        off="it takes them",
        pieces=(Piece("worker/executor/others.py", "(permit if may else forbid)(connection)", "permit(connection)"),),
        killers=(
            Killer(f"{FENCE}::TestRefused::test_a_write_there_is_refused_with_what_to_do[task0]", by="DoesNotExist"),
        ),
    ),
    Mutant(
        name="read-only-elsewhere-anew",
        mechanism="A session that a body opens there anew refuses them, too",
        off="only sessions that are there before the body do",
        pieces=(Piece("worker/executor/others.py", "connection_created.connect(self._opened)", "pass"),),
        killers=(Killer(f"{FENCE}::TestRefused::test_nor_is_one_that_is_opened_anew", by="DoesNotExist"),),
    ),
    Mutant(
        name="read-only-elsewhere-again",
        mechanism="A session that was open for the writes of one job refuses those of the next",
        off="it stays as it was",
        pieces=(Piece("worker/executor/others.py", "self._as_is.get(name) != (name in self._writable)", "False"),),
        killers=(
            Killer(f"{FENCE}::TestRefused::test_a_connection_that_was_open_before_is_no_way_around", by="DoesNotExist"),
        ),
    ),
    Mutant(
        name="read-only-here",
        mechanism="While a body is one transaction elsewhere, the jobs' database refuses its writes",
        off="it takes them, outside of any fence",
        pieces=(
            Piece(
                "worker/executor/effects.py",
                "        with job.connection.execute_wrapper(job.guard), read_only(job.connection):\n"
                "            return _closed(job, body())",
                "        with job.connection.execute_wrapper(job.guard):\n            return _closed(job, body())",
            ),
        ),
        killers=(Killer(f"{FENCE}::TestABody::test_a_write_here_is_refused", by="DoesNotExist"),),
    ),
)

MUTANTS = (*_CALLERS, *_JUDGES, *_BODIES)
