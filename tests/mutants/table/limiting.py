"""Limits: nobody counts slots while another takes them, every running job has one, and a turn is taken once."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

LIMITS = "tests/database/test_limits.py"
LAST_SLOT = "tests/races/test_two_claimers_never_take_the_last_slot.py"
CLAIMER = "tests/worker/test_jobs_with_limits_are_claimed.py"

MUTANTS = (
    Mutant(
        name="slots-are-locked",
        mechanism="Who claims under a key has it locked while it counts what runs",
        off="the key is not locked",
        pieces=(
            Piece(
                "lifecycle/limits.py",
                'these = f"WHERE name IN ({marks(names)}) ORDER BY name{skip}"',
                'these = f"WHERE name IN ({marks(names)}) ORDER BY name"',
            ),
        ),
        killers=(Killer(f"{LAST_SLOT}::test_the_second_passes_over_a_key_that_the_first_has_locked", on=SERVER),),
    ),
    Mutant(
        name="slots-are-counted-last",
        mechanism="What runs under a key is counted once it is locked, so nothing that was claimed before is missed",
        off="it is counted first",
        pieces=(
            Piece(
                "lifecycle/limits.py",
                'held = _lock(connection, list(asks))\n        reached("limit.locked")\n'
                "        counts = _running(connection, list(held))",
                "counts = _running(connection, list(asks))\n        held = _lock(connection, list(asks))\n"
                '        reached("limit.locked")',
            ),
        ),
        killers=(Killer(f"{LAST_SLOT}::test_what_is_claimed_just_before_the_lock_is_counted", on=SERVER),),
    ),
    Mutant(
        name="slots-are-counted",
        mechanism="Every job that runs with a key takes one of its slots",
        off="what runs is not counted",
        pieces=(Piece("lifecycle/limits.py", "ask.allowance.room(counts.get(name, 0)", "ask.allowance.room(0"),),
        killers=(
            Killer(f"{LIMITS}::test_no_clock_frees_a_slot"),
            Killer(f"{LIMITS}::test_whatever_ends_a_claim_frees_its_slot[rescue]"),
            Killer(f"{LAST_SLOT}::test_who_comes_when_the_first_has_committed_counts_what_it_took"),
            Killer(f"{SIMULATED}[slots-are-counted]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="turns-are-taken",
        mechanism="A claim under a rate moves the moment of the next one",
        off="it stays where it was",
        pieces=(
            Piece(
                "lifecycle/limits.py",
                "next_at = rate.after(next_at, max(claim.started_at for claim in claimed), len(claimed))",
                "pass",
            ),
        ),
        killers=(
            Killer(f"{LIMITS}::test_a_rate_lets_one_begin_at_its_moment_and_not_before"),
            Killer(f"{LIMITS}::test_a_job_that_is_handed_back_has_used_its_turn"),
            Killer(f"{SIMULATED}[turns-are-taken]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="free-slots-are-taken",
        mechanism="A worker that ends a job with a limit looks for the next one at once",
        off="it waits for its next look",
        pieces=(Piece("worker/settler.py", "return bool(ready) or freed", "return bool(ready)"),),
        killers=(Killer(f"{CLAIMER}::test_the_end_of_a_job_lets_the_next_begin_at_once"),),
    ),
    Mutant(
        name="keys-in-turn",
        mechanism="The next look begins behind the key that was served last",
        off="each look begins with the first key",
        pieces=(Piece("worker/limited.py", 'after, where = self._after.get(queue, "")', 'after, where = ""'),),
        killers=(
            Killer(f"{CLAIMER}::test_keys_of_the_same_priority_take_turns"),
            Killer(f"{CLAIMER}::test_every_key_has_its_turn_however_many_there_are"),
        ),
    ),
    Mutant(
        name="believable-turns",
        mechanism="A turn that is too far ahead to be one of the rate holds nobody up: a clock, or a rate, was another",
        off="it is waited for",
        pieces=(Piece("limits.py", "return next_at - now > self._lead(self.burst) + _LEEWAY", "return False"),),
        killers=(
            Killer(
                "tests/database/test_limits.py"
                "::test_after_a_clock_that_was_set_back_or_a_faster_rate_one_begins_and_the_next_waits_its_turn"
            ),
        ),
    ),
)
