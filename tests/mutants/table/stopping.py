"""Signs of life, and the order of ends: an owner stops before another may begin."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

LIFE = "tests/worker/test_signs_of_life.py"
STOPPED = "tests/worker/test_a_body_is_stopped_before_others_may_act.py"
ALONE = "tests/worker/test_an_executor_stops_by_itself.py"
WATCHDOG = "tests/worker/test_a_body_is_stopped_before_others_may_act.py"
TRUST = "tests/worker/test_trust_ends_before_others_may_act.py"
AGREE = "tests/worker/test_what_is_held_and_what_is_owned_agree.py"
ONE_LEFT = "tests/process/test_a_worker_with_one_witness_left_keeps_its_jobs.py"
GIL = "tests/process/test_the_lease_is_renewed_while_the_body_holds_the_gil.py"
FROZEN = "tests/process/test_a_frozen_worker_lands_no_write.py"
FROZEN_EXECUTOR = "tests/process/test_a_frozen_executor_is_killed_by_its_parent.py"
SIGTERM = "tests/process/test_sigterm_hands_back_what_does_not_end_in_time.py"

RENEWER_INSIDE = """\
    mailbox.start()
    running: list[Claim] = []
    trust.running = running

    def renew() -> None:
        from django.tasks import task_backends

        from ...database import DatabaseNow
        from ...leases import Held
        from ...models import Worker

        backend: Any = task_backends[backend_alias]
        while True:
            sent = time.monotonic()
            Worker.objects.filter(pk=worker_id).update(heartbeat_at=DatabaseNow())
            if (leases := backend.leases()) is not None:
                leases.renew([Held(claim.fence, 1, os.getpid()) for claim in running], worker_id)
            trust.extend(sent)
            time.sleep(backend.settings.renew_seconds)

    threading.Thread(target=renew, daemon=True).start()
"""

MUTANTS = (
    Mutant(
        name="renewer-outside",
        mechanism="Leases and the heartbeat are renewed outside of the processes that run jobs",
        off="a thread of the executor renews them",
        pieces=(
            Piece(
                "worker/supervisor.py", "for loop in [*self._renewing, *self._helping]:", "for loop in self._helping:"
            ),
            Piece(
                "worker/supervisor.py",
                "for loops in (self._helping, self._renewing):",
                "for loops in (self._helping,):",
            ),
            Piece("worker/executor/process.py", "    mailbox.start()\n", RENEWER_INSIDE),
            Piece(
                "worker/executor/process.py",
                "board.begin(serial)",
                "board.begin(serial)\n        trust.running[:] = [claim]",
            ),
        ),
        killers=(
            Killer(f"{GIL}::test_it_runs_once_though_no_thread_of_its_process_can_run[plain]"),
            Killer(f"{SIMULATED}[renewer-outside]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="owner-stops-first",
        mechanism="A worker that cannot renew ends its bodies before another may begin them",
        off="trust never ends",
        pieces=(Piece("worker/trust.py", "return time.monotonic() - float(self._until.value)", "return -1.0"),),
        killers=(
            Killer(f"{STOPPED}::test_when_trust_is_over_the_body_is_told_and_killed_before_the_margin_is"),
            Killer(f"{ONE_LEFT}::test_without_leases_its_body_is_stopped_before_a_rival_begins", on=SERVER),
            Killer(f"{FROZEN}::test_what_its_bodies_write_when_they_wake_up_is_refused[plain-still runs]"),
            Killer(f"{SIMULATED}[owner-stops-first]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="margin",
        mechanism="Trust ends a margin before the lease can lapse",
        off="it ends with the lease",
        pieces=(Piece("worker/trust.py", "lease_seconds - margin_seconds", "lease_seconds"),),
        killers=(Killer(f"{TRUST}::test_a_renewal_that_took_too_long_renews_nothing"),),
    ),
    Mutant(
        name="trust-from-the-send",
        mechanism="Trust counts from when a renewal was sent, not from when it was answered",
        off="it counts from the answer",
        pieces=(
            Piece(
                "worker/renewer.py",
                "grant.held for grant in grants):\n            self._trust.extend(sent)",
                "grant.held for grant in grants):\n            self._trust.extend(time.monotonic())",
            ),
        ),
        killers=(Killer("tests/worker/test_trust_counts_from_the_send.py::test_an_answer_that_took_long_renews_less"),),
    ),
    Mutant(
        name="trust-from-the-send-of-a-beat",
        mechanism="Trust counts from when a heartbeat was sent, not from when it was written",
        off="it counts from the answer",
        pieces=(
            Piece(
                "worker/renewer.py",
                "        self._trust.extend(sent)\n        if self._counts_renewals:",
                "        self._trust.extend(time.monotonic())\n        if self._counts_renewals:",
            ),
        ),
        killers=(Killer("tests/worker/test_trust_counts_from_the_send.py::test_a_beat_that_took_long_renews_less"),),
    ),
    Mutant(
        name="refused-renewal",
        mechanism="A renewal by which a lease was not ours says of nobody that they are alive",
        off="every answer extends trust",
        pieces=(Piece("worker/renewer.py", "if grants and all(grant.held for grant in grants):", "if grants:"),),
        killers=(Killer(f"{LIFE}::TestLeaseRenewer::test_nor_is_a_lease_that_is_anothers"),),
    ),
    Mutant(
        name="killed-in-time",
        mechanism="A body that does not stop when it is told is killed before the margin is over",
        off="it is told, and left to itself",
        pieces=(Piece("worker/watchdog.py", "if overdue > self._options.margin_seconds / 2:", "if False:"),),
        killers=(
            Killer(
                f"{STOPPED}::test_when_trust_is_over_the_body_is_told_and_killed_before_the_margin_is",
                by="AttributeError",
            ),
            Killer(f"{STOPPED}::test_one_that_settles_is_killed_too_when_trust_is_over"),
        ),
    ),
    Mutant(
        name="steps-ask-for-trust",
        mechanism="No step begins when trust is over",
        off="once() does not ask",
        pieces=(Piece("worker/executor/steps.py", "    job.ensure_held()\n", ""),),
        killers=(
            Killer("tests/effects/test_a_step_is_done_once.py::test_when_trust_is_over_a_step_does_not_begin[steps]"),
        ),
    ),
    Mutant(
        name="frozen-is-not-renewed",
        mechanism="What runs in a frozen process is not renewed",
        off="it is renewed for as long as its parent lives",
        pieces=(
            Piece(
                "worker/renewer.py",
                "return holding.executor is not None and holding.executor.frozen_since is not None",
                "return False",
            ),
        ),
        killers=(
            Killer(f"{LIFE}::TestLeaseRenewer::test_what_runs_in_a_frozen_process_is_not_renewed"),
            Killer(f"{LIFE}::TestHeartbeat::test_without_redis_each_beat_renews_every_lease"),
        ),
    ),
    Mutant(
        name="frozen-is-killed",
        mechanism="A process that is stopped for longer than a lease is killed by its parent",
        off="it is left as it is",
        pieces=(
            Piece(
                "worker/watchdog.py",
                "elif now - executor.frozen_since > self._options.lease_seconds:",
                "elif False:",
            ),
        ),
        killers=(Killer(f"{STOPPED}::test_a_frozen_process_is_noticed_and_killed_after_a_lease", by="AttributeError"),),
    ),
    Mutant(
        name="revoked-is-killed",
        mechanism="A body whose job is another's is told, and killed when it does not stop",
        off="it is told, and left to itself",
        pieces=(Piece("worker/reconciler.py", "elif now > deadline:", "elif False:"),),
        killers=(
            Killer(
                f"{AGREE}::test_a_body_whose_job_is_not_ours_any_more_is_told_once_and_then_killed[revoke]",
                by="AttributeError",
            ),
        ),
    ),
    Mutant(
        name="renewed-to-the-end",
        mechanism="A worker that stops renews what it still runs until that has ended",
        off="renewing stops first",
        pieces=(
            Piece(
                "worker/supervisor.py",
                "        self._feed.recall_all()\n",
                "        self._feed.recall_all()\n        for loop in self._renewing:\n            loop.stop()\n",
            ),
        ),
        killers=(Killer(f"{SIGTERM}::test_what_ends_within_the_grace_is_done[default-the worker alone]"),),
    ),
    Mutant(
        name="not-while-it-logs",
        mechanism="A body in a thread is not interrupted while it may hold a lock of the whole process",
        off="it is, and those who log wait for ever",
        pieces=(Piece("worker/executor/threads.py", "if _may_hold_a_lock(self._thread):", "if False:"),),
        killers=(
            Killer(
                "tests/effects/test_a_body_in_a_thread_can_be_interrupted.py::"
                "test_while_it_logs_it_is_left_alone_for_others_wait_for_the_lock"
            ),
        ),
    ),
    Mutant(
        name="stale-claims",
        mechanism="What was claimed before a gap in its worker's trust an executor gives back, and does not begin",
        off="it begins it once there is trust again",
        pieces=(Piece("worker/executor/process.py", "if since < trust.since():", "if False:"),),
        killers=(Killer(f"{ALONE}::test_what_was_sent_before_trust_was_over_is_not_begun"),),
    ),
    Mutant(
        name="late-in-the-body",
        mechanism="A limit of time is one for the body, and not for what settles its job",
        off="who settles for longer is killed, and his job is TIMED_OUT",
        pieces=(Piece("worker/watchdog.py", "in_body = board.in_body()", "in_body = True"),),
        killers=(Killer(f"{WATCHDOG}::test_what_comes_behind_the_body_is_not_late"),),
    ),
    Mutant(
        name="claims-apart",
        mechanism="A claim that is over is not taken for a later one of the same job, which its worker has as well",
        off="what is held is known by the job alone",
        pieces=(
            Piece(
                "worker/feed.py",
                "return holding if holding is not None and holding.claim is claim else None",
                "return holding",
            ),
        ),
        killers=(
            Killer(
                "tests/worker/test_executors_are_fed.py::test_a_claim_that_is_over_is_not_taken_for_a_later_one_of_the_same_job"
            ),
        ),
    ),
)
