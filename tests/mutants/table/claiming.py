"""Claims: each mints a fence of its own, takes only what waits and is known here, and waits for nobody."""

from tests.mutants.mutant import MYSQL, SERVER, Killer, Mutant, Piece

CLAIM = "tests/database/test_claim.py"
CLAIMERS = "tests/races/test_two_claimers_never_take_the_same_job.py"
DUE = "tests/worker/test_due_jobs_are_claimed.py"
AGREE = "tests/worker/test_what_is_held_and_what_is_owned_agree.py"

MUTANTS = (
    Mutant(
        name="claim-of-ready",
        mechanism="Only a job that is READY is claimed",
        off="the status is not asked",
        pieces=(
            Piece(
                "lifecycle/claim.py",
                "f\"status = 'READY' AND gate = '{gate.value}' AND backend = %s",
                "f\"gate = '{gate.value}' AND backend = %s",
            ),
        ),
        killers=(
            Killer(f"{CLAIM}::test_only_what_is_ready_is_taken[RUNNING]"),
            Killer(f"{CLAIMERS}::test_the_second_passes_over_what_the_first_has_locked"),
        ),
    ),
    Mutant(
        name="claim-locks",
        mechanism="Between the look at a job and its claim, nobody else can claim it",
        off="the look takes no lock",
        pieces=(
            Piece("lifecycle/claim.py", 'where += " FOR UPDATE"', "pass"),
            Piece("lifecycle/claim.py", 'where += " SKIP LOCKED"', "pass"),
        ),
        killers=(Killer(f"{CLAIMERS}::test_four_who_claim_at_once_take_each_job_once", on=SERVER),),
    ),
    Mutant(
        name="claim-skips-locked",
        mechanism="Who claims passes over jobs that another is claiming",
        off="it waits for them",
        pieces=(Piece("lifecycle/claim.py", 'where += " SKIP LOCKED"', "pass"),),
        killers=(
            Killer(f"{CLAIMERS}::test_the_second_passes_over_what_the_first_has_locked", on=SERVER, by="TimeoutError"),
        ),
    ),
    Mutant(
        name="fresh-token",
        mechanism="Every claim has a token that no other ever had",
        off="a token is made of the name of the worker",
        pieces=(
            Piece("lifecycle/claim.py", "token = uuid.uuid4()", "token = uuid.uuid5(uuid.NAMESPACE_DNS, worker_id)"),
        ),
        killers=(Killer(f"{CLAIM}::test_every_claim_mints_a_higher_number_and_a_fresh_token"),),
    ),
    Mutant(
        name="rising-attempt",
        mechanism="Every claim of a job has a higher number than those before it",
        off="a claim keeps the number of the last one",
        pieces=(
            Piece(
                "lifecycle/claim.py",
                'attempt = attempt + 1, token = %s, steps = 0, "\n            f"worker_id',
                'attempt = attempt, token = %s, steps = 0, "\n            f"worker_id',
            ),
            Piece("lifecycle/claim.py", "rows = [(row[0], row[1] + 1, *row[2:])", "rows = [(row[0], row[1], *row[2:])"),
        ),
        killers=(
            Killer(f"{CLAIM}::test_every_claim_mints_a_higher_number_and_a_fresh_token"),
            Killer(f"{CLAIM}::test_every_claim_mints_a_higher_number_and_a_fresh_token", on=MYSQL),
        ),
    ),
    Mutant(
        name="known-paths",
        mechanism="A job of a task that this worker does not know waits for one that does",
        off="jobs of every task are claimed",
        pieces=(
            Piece(
                "lifecycle/claim.py",
                'AND task_path IN ({marks(paths)}) "',
                'AND (task_path IN ({marks(paths)}) OR 1 = 1) "',
            ),
        ),
        killers=(
            Killer(f"{CLAIM}::test_a_job_of_an_unknown_task_waits_for_a_worker_that_knows_it"),
            Killer(f"{DUE}::test_a_path_that_it_does_not_know_stays_ready"),
        ),
    ),
    Mutant(
        name="paused-tasks",
        mechanism="A task that an operator has paused is not claimed",
        off="nobody asks whether it is paused",
        pieces=(Piece("lifecycle/claim.py", "WHERE paused)", "WHERE paused AND 1 = 0)"),),
        killers=(Killer(f"{DUE}::test_a_task_that_was_paused_waits_and_goes_on"),),
    ),
    Mutant(
        name="refused-lease",
        mechanism="A job whose lease is a later owner's is handed back: the database may have forgotten that owner",
        off="it is run all the same",
        pieces=(
            Piece(
                "worker/claimer.py",
                "refused = {grant.fence: grant for grant in grants if not grant.held}",
                "refused = {grant.fence: grant for grant in grants if False}",
            ),
        ),
        killers=(Killer(f"{DUE}::test_a_job_whose_lease_is_a_later_owners_is_handed_back_for_as_long"),),
    ),
    Mutant(
        name="claims-without-redis",
        mechanism="Jobs are claimed and run though Redis is out of reach",
        off="without leases nothing is run",
        pieces=(
            Piece(
                "worker/claimer.py",
                "except LeasesUnavailable:\n            return claims",
                "except LeasesUnavailable:\n            return []",
            ),
        ),
        killers=(Killer(f"{DUE}::test_without_redis_jobs_run_all_the_same"),),
    ),
    Mutant(
        name="unheard-claims",
        mechanism="A claim whose answer was lost is found and handed back",
        off="what the database says is ours and we do not know of is left",
        pieces=(
            Piece("worker/reconciler.py", "lifecycle.release([Fence(job_id, 0, token)], started=False)", "continue"),
        ),
        killers=(Killer(f"{AGREE}::test_a_claim_that_was_never_heard_of_is_handed_back"),),
    ),
    Mutant(
        name="lanes-apart",
        mechanism="What is claimed for one lane is handed out before the claim for the next, which may fail",
        off="it is handed out once all lanes have claimed",
        pieces=(
            Piece(
                "worker/dispatcher.py",
                "for claims in self.claimer.claim(self._feed.rooms()):",
                "for claims in list(self.claimer.claim(self._feed.rooms())):",
            ),
        ),
        killers=(
            Killer(
                "tests/worker/test_a_claim_that_fails_loses_no_other.py::"
                "test_what_one_lane_has_claimed_is_handed_out_though_the_claim_of_the_next_fails"
            ),
        ),
    ),
)
