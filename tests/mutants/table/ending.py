"""How jobs end: once, for good, charged to the right budget, and told though the database was away."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

DEAD = "tests/worker/test_what_a_dead_executor_leaves_behind.py"
ENDS = "tests/worker/test_ends_are_written_down.py"
CANCEL = "tests/races/test_cancel_and_success_cannot_both_win.py"
FROZEN_COMMIT = "tests/races/test_a_frozen_commit_lets_go_of_the_job.py"
RETRY = "tests/database/test_retry.py"
POISON = "tests/process/test_a_poison_job_is_failed_and_others_go_on.py"
TOLD = "tests/worker/test_executors_tell_what_has_ended.py"
THREADS = "tests/process/test_threads_run_many_jobs_in_one_executor.py"
NO_ROOM = "tests/effects/test_a_full_disk_is_no_failure_of_the_job.py"
LATER = "tests/operations/test_jobs_are_retried_later.py"
NOTED = "tests/effects/test_what_a_body_logs_is_noted.py"
LOGS = "tests/worker/test_logs_are_written_down_together.py"
COROUTINES = "tests/process/test_many_coroutines_run_on_one_loop.py"

MUTANTS = (
    Mutant(
        name="crash-budget",
        mechanism="A job that takes its process with it is failed after so many crashes",
        off="it always gets another attempt",
        pieces=(Piece("worker/burial.py", "again = claim.crashes + 1 < self._options.max_crashes", "again = True"),),
        killers=(Killer(f"{DEAD}::test_the_last_crash_that_a_job_may_cost_fails_it"),),
    ),
    Mutant(
        name="one-is-charged",
        mechanism="Of the jobs that a dead executor had, only the one that ran is charged with the crash",
        off="what had not begun is charged as well",
        pieces=(
            Piece(
                "worker/burial.py",
                "self._feed.take_back(executor, list(executor.outstanding))",
                "for serial in list(executor.outstanding):\n"
                "            holding = self._held(executor.outstanding.pop(serial))\n"
                "            if holding is not None:\n"
                "                self._end(executor, holding, describe_exit(exit_code))",
            ),
        ),
        killers=(Killer(f"{DEAD}::test_only_the_one_that_ran_is_charged_with_the_crash[-9-was killed by signal 9]"),),
    ),
    Mutant(
        name="told-behind-the-recall",
        mechanism="An end that was not told because more was to come is told when that is taken back",
        off="what has ended is told first, and then the rest is taken back",
        pieces=(
            Piece(
                "worker/executor/process.py",
                "                serials = self._take_back()\n",
                "                self.flush()\n"
                "                serials = self._take_back()\n"
                "                self.send(Returned(serials))\n"
                "                return\n",
            ),
        ),
        killers=(Killer(f"{TOLD}::test_what_ends_while_the_rest_is_taken_back_is_told[1]"),),
    ),
    Mutant(
        name="told-when-there-will-be-no-more",
        mechanism="A seat that will have no more jobs tells what has ended, though others still run",
        off="it leaves that to the others",
        pieces=(Piece("worker/executor/process.py", "(sent is None or inbox.empty())", "inbox.empty()"),),
        killers=(Killer(f"{TOLD}::test_who_will_have_no_more_tells_though_others_still_run"),),
    ),
    Mutant(
        name="suspects-run-alone",
        mechanism="Where several run in an executor, one that has crashed before runs alone: so it is found out",
        off="it runs beside others",
        pieces=(Piece("worker/feed.py", "if seats.total > 1 and claim.crashes:", "if False:"),),
        killers=(
            Killer("tests/worker/test_executors_are_fed.py::test_one_that_has_crashed_is_given_an_executor_of_its_own"),
            Killer(f"{THREADS}::test_a_poison_job_is_found_out_and_no_innocent_fails_for_it[plain]"),
        ),
    ),
    Mutant(
        name="shared-crash",
        mechanism="A crash that may have been the fault of another that ran beside it fails no job",
        off="it does, when the budget is spent by that",
        pieces=(Piece("worker/burial.py", "max_crashes or shared", "max_crashes"),),
        killers=(Killer(f"{DEAD}::test_but_none_is_failed_for_what_may_have_been_the_fault_of_another"),),
    ),
    Mutant(
        name="fault-is-named",
        mechanism="Of those that ran in an executor that was killed, the one whose fault it was is charged alone",
        off="all of them are",
        pieces=(
            Piece(
                "worker/watchdog.py",
                "return Doom(Outcome.TIMED_OUT, text, serial)",
                "return Doom(Outcome.TIMED_OUT, text)",
            ),
        ),
        killers=(Killer(f"{THREADS}::test_one_that_hangs_takes_the_executor_and_costs_the_others_nothing[plain]"),),
    ),
    Mutant(
        name="thread-of-a-coroutine",
        mechanism="What a coroutine asks of the ORM is asked in the thread of its own transaction",
        off="coroutines share a thread, and so a connection",
        pieces=(Piece("worker/executor/running_loop.py", "            _have_sync_calls_made_by(seat)\n", ""),),
        killers=(Killer(f"{COROUTINES}::test_each_has_a_transaction_of_its_own[plain]"),),
    ),
    Mutant(
        name="uncharged-hand-back",
        mechanism="A job that is handed back has cost nothing",
        off="it is charged with a crash",
        pieces=(
            Piece(
                "lifecycle/release.py",
                "outcome=Outcome.RELEASED, token=None,",
                'outcome=Outcome.RELEASED, token=None, crashes=F("crashes") + 1,',
            ),
            Piece(
                "lifecycle/release.py",
                "from django.tasks import TaskResultStatus",
                "from django.db.models import F\nfrom django.tasks import TaskResultStatus",
            ),
        ),
        killers=(
            Killer("tests/database/test_release.py::test_a_job_handed_back_is_ready_at_once_and_has_cost_nothing"),
            Killer(
                "tests/process/test_sigterm_hands_back_what_does_not_end_in_time.py"
                "::test_a_second_signal_ends_the_grace[plain-SIGTERM]"
            ),
        ),
    ),
    Mutant(
        name="settled-twice",
        mechanism="A batch that is settled again, because the answer was lost, is told as settled",
        off="what was settled before counts as another's",
        pieces=(
            Piece(
                "lifecycle/settle.py",
                "ON job.id = ended.id AND job.token = ended.token WHERE job.status = 'SUCCESSFUL'",
                "ON job.id = ended.id AND job.token = ended.token WHERE 1 = 0",
            ),
            Piece("lifecycle/settle.py", "WHERE status = 'SUCCESSFUL' AND {where}", "WHERE 1 = 0 AND {where}"),
        ),
        killers=(
            Killer("tests/database/test_settle.py::test_what_was_settled_before_counts_as_ours_and_stays_as_it_was"),
            Killer(
                "tests/races/test_a_commit_in_flight_is_waited_for.py::test_a_batch_that_is_settled_again_waits_for_the_first_time",
                on=SERVER,
            ),
        ),
    ),
    Mutant(
        name="failed-twice",
        mechanism="A failure that is said again, because the answer was lost, is answered as the first time",
        off="it is answered as a job that is another's",
        pieces=(Piece("lifecycle/fail.py", "return status if _was_said(fence, failure) else None", "return None"),),
        killers=(
            Killer(
                "tests/database/test_fail.py::test_an_end_said_again_is_answered_as_the_first_time_and_counts_once[None-fail]"
            ),
        ),
    ),
    Mutant(
        name="ends-are-kept",
        mechanism="An end that the database did not take is kept until it does",
        off="it is forgotten before it is said",
        pieces=(
            Piece("worker/settler.py", "holding, verb = self._verbs[0]", "holding, verb = self._verbs.pop(0)"),
            Piece("worker/settler.py", "        self._verbs.pop(0)\n        if not heard:", "        if not heard:"),
        ),
        killers=(Killer(f"{ENDS}::test_while_the_database_is_away_ends_are_kept_and_their_claims_held[verb]"),),
    ),
    Mutant(
        name="unhurried-retry",
        mechanism="A job that was cancelled while it ran is attempted again only when its body has been stopped",
        off="it is ready at once",
        pieces=(Piece("lifecycle/retry.py", "no_sooner(soonest(job), at)", "no_sooner(DatabaseNow(), at)"),),
        killers=(
            Killer(f"{SIMULATED}[unhurried-retry]", on=SQLITE, by="Violation"),
            Killer(f"{RETRY}::test_a_job_that_was_cancelled_while_it_ran_waits_until_its_body_has_been_stopped"),
        ),
    ),
    Mutant(
        name="retry-of-failed",
        mechanism="Only a FAILED job can be retried: the effects of a successful one would happen twice",
        off="the status is not asked",
        pieces=(
            Piece("lifecycle/retry.py", ".failed().filter(pk=job_id)", ".filter(pk=job_id)"),
            Piece("lifecycle/retry.py", ".failed().filter(pk=job.pk", ".filter(pk=job.pk"),
        ),
        killers=(Killer(f"{RETRY}::test_nothing_else_can_be_retried[SUCCESSFUL]"),),
    ),
    Mutant(
        name="cancel-compares",
        mechanism="A job is cancelled as it was seen: what has changed since is not overwritten",
        off="what was seen is neither locked nor compared",
        pieces=(
            Piece("lifecycle/cancel.py", "jobs.select_for_update(skip_locked=skip).first()", "jobs.first()"),
            Piece("lifecycle/cancel.py", "        take_write_lock(connection)\n", ""),
            Piece("lifecycle/cancel.py", "jobs.filter(status=job.status, token=job.token).update(", "jobs.update("),
        ),
        killers=(Killer(f"{CANCEL}::test_a_job_that_is_being_committed_cannot_be_cancelled", on=SERVER),),
    ),
    Mutant(
        name="frozen-commit",
        mechanism="The database ends the session of a process that froze between its fence and its COMMIT",
        off="nobody ends it",
        pieces=(
            Piece("lifecycle/settle.py", 'if connection.vendor != "postgresql":\n        return ""', 'return ""'),
            Piece("sessions.py", "    names = [_mark(", "    return\n    names = [_mark("),
        ),
        killers=(Killer(f"{FROZEN_COMMIT}::test_a_job_whose_worker_froze_in_its_commit_is_rescued", on=SERVER),),
    ),
    Mutant(
        name="named-at-once",
        mechanism="A worker names a new executor at once: whoever rescues its job ends its sessions",
        off="it tells with its next heartbeat",
        pieces=(
            Piece(
                "worker/renewer.py",
                ' or not self._named.issuperset(e["pid"] for e in executors)',
                "",
            ),
        ),
        killers=(
            Killer(
                "tests/worker/test_signs_of_life.py"
                "::TestHeartbeat::test_an_executor_that_the_row_does_not_name_is_told_of_at_once"
            ),
        ),
    ),
    Mutant(
        name="stable-key",
        mechanism="The key of an effect outside the database is the same in every attempt",
        off="it has the number of the attempt in it",
        pieces=(
            Piece(
                "worker/executor/job.py",
                'return f"{self.id}:{step}" if step else str(self.id)',
                'return f"{self.id}:{self.attempt}:{step}"',
            ),
        ),
        killers=(
            Killer(
                "tests/effects/test_a_body_knows_its_job.py::test_a_key_for_others_is_the_same_in_every_attempt_and_for_no_other_job"
            ),
        ),
    ),
    Mutant(
        name="room-for-the-fence",
        mechanism="A job whose fence found no room on a full disk is handed back, uncharged",
        off="that is a failure of the job",
        pieces=(Piece("worker/executor/fenced.py", "if not is_full(connection, error):", "if True:"),),
        killers=(
            Killer(
                f"{NO_ROOM}::test_a_fence_without_room_hands_the_job_back[write-atomic-database or disk is full]",
                on=SQLITE,
            ),
        ),
    ),
    Mutant(
        name="later-retry",
        mechanism="What is retried later is not due before",
        off="it is due at once",
        pieces=(
            Piece(
                "lifecycle/retry.py",
                "return moment if at is None else Greatest(moment, Value(at, output_field=DateTimeField()))",
                "return moment",
            ),
        ),
        killers=(Killer(f"{LATER}::test_no_worker_takes_them_before[1]"),),
    ),
    Mutant(
        name="logs-keep-secrets",
        mechanism="What is sensitive is kept out of what a body logs",
        off="lines are kept as they were logged",
        pieces=(
            Piece(
                "worker/executor/logbook.py",
                'message, trace = (self._secrets.out_of(text) if text else "" for text in',
                "message, trace = (text for text in",
            ),
        ),
        killers=(Killer(f"{NOTED}::test_secrets_are_kept_out_as_they_are_of_tracebacks"),),
    ),
    Mutant(
        name="logs-go-with-jobs",
        mechanism="No log is kept of a job that is gone, for nothing would ever delete it",
        off="it is not asked which jobs are there",
        pieces=(Piece("lifecycle/keep_logs.py", "            if job_id in there\n", ""),),
        killers=(Killer(f"{LOGS}::test_none_are_kept_of_a_job_that_is_gone"),),
    ),
)
