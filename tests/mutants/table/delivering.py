"""What outlives an attempt beside its steps: checkpoints, and what the ledger knows of effects outside the database."""

from tests.mutants.mutant import SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

RESUMED = "tests/effects/test_a_checkpoint_is_resumed.py"
OUTSIDE = "tests/effects/test_an_effect_outside_is_not_repeated.py"
KILLED = "tests/process/test_a_delivery_is_never_repeated_by_itself.py"

MUTANTS = (
    Mutant(
        name="checkpoint-fence",
        mechanism="Only the owner of a job leaves a checkpoint",
        off="a checkpoint is written outside of the fence",
        pieces=(Piece("worker/executor/checkpoints.py", "    transact(job, write)", "    write()"),),
        killers=(
            Killer(f"{RESUMED}::test_who_is_the_owner_no_more_keeps_nothing[revoke-unfenced]"),
            Killer(f"{SIMULATED}[checkpoint-fence]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="intent",
        mechanism="The intent to deliver is committed before the call, so no other attempt calls again unasked",
        off="nothing is entered before the call",
        pieces=(Piece("worker/executor/deliver.py", "_enter(job, step, deliveries.OPEN[lookup is not None])", "pass"),),
        killers=(
            Killer(f"{OUTSIDE}::test_what_a_crash_leaves_in_doubt_is_not_repeated[deliver.after-call-steps]"),
            Killer(f"{KILLED}::test_it_is_in_doubt_until_somebody_has_decided[plain-behind-1]"),
            Killer(f"{SIMULATED}[intent]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="receipt",
        mechanism="What was delivered is answered from the ledger",
        off="the receipt is not entered",
        pieces=(Piece("worker/executor/deliver.py", "_enter(job, step, deliveries.receipt_of(receipt))", "pass"),),
        killers=(Killer(f"{OUTSIDE}::test_a_receipt_is_given_to_the_next_attempt_instead_of_a_second_call[steps]"),),
    ),
    Mutant(
        name="asks-behind-the-intent",
        mechanism="Nothing is delivered when trust is over, also when it ended behind the intent",
        off="trust is asked before the intent alone",
        pieces=(Piece("worker/executor/deliver.py", "        job.ensure_held()  # Who", "        # Who"),),
        killers=(
            Killer(f"{OUTSIDE}::test_who_froze_behind_the_intent_delivers_nothing_when_trust_is_over"),
            Killer(f"{SIMULATED}[asks-behind-the-intent]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="doubt-does-not-succeed",
        mechanism="A body does not succeed while it is in doubt what it has delivered, whatever it swallows",
        off="what is undecided is not asked about",
        pieces=(Piece("worker/executor/perform.py", "                    refuse_undecided(job)\n", ""),),
        killers=(Killer(f"{OUTSIDE}::test_a_body_that_swallows_what_leaves_it_in_doubt_does_not_succeed[None]"),),
    ),
    Mutant(
        name="doubt-whatever-ended-it",
        mechanism="A job that fails for good with an open delivery is in doubt, whatever has ended it",
        off="it has failed as others do",
        pieces=(Piece("lifecycle/fail.py", "_unless_in_doubt(fence, failure.outcome)}", "failure.outcome}"),),
        killers=(
            Killer(
                f"{OUTSIDE}::test_a_job_that_fails_for_good_with_an_open_delivery_is_in_doubt_whatever_ended_it[crash]"
            ),
        ),
    ),
    Mutant(
        name="doubt-is-not-retried",
        mechanism="A job in doubt is not retried before somebody has decided",
        off="it is retried as others are",
        pieces=(Piece("lifecycle/retry.py", "job.outcome == Outcome.IN_DOUBT and", "False and"),),
        killers=(
            Killer(f"{OUTSIDE}::test_it_is_not_retried_nor_pruned_before_somebody_has_decided[steps]", by="Failed"),
        ),
    ),
    Mutant(
        name="doubt-is-kept",
        mechanism="A job in doubt is not pruned",
        off="it is pruned as others are",
        pieces=(Piece("lifecycle/prune.py", ".exclude(outcome=Outcome.IN_DOUBT)", ""),),
        killers=(
            Killer(f"{OUTSIDE}::test_it_is_not_retried_nor_pruned_before_somebody_has_decided[steps]"),
            Killer(f"{SIMULATED}[doubt-is-kept]", on=SQLITE, by="Violation"),
        ),
    ),
)
