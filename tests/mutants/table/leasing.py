"""Leases in Redis: each is one claim's own, and what the server says is believed only as far as it can know."""

from tests.mutants.mutant import SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

OWN = "tests/leases/test_a_lease_is_one_claims_own.py"
ONE_HOLDER = "tests/leases/test_a_lease_has_one_holder.py"
FORGOT = "tests/leases/test_a_server_that_forgot_condemns_nobody.py"
FOOLED = "tests/leases/test_a_witness_is_not_fooled.py"
LATE = "tests/races/test_a_late_worker_leaves_the_lease_of_the_next_owner.py"
EMPTIED = "tests/races/test_an_emptied_redis_gives_its_owners_time_to_renew.py"

MUTANTS = (
    Mutant(
        name="comparing-release",
        mechanism="A worker gives a lease back only if it is still its own",
        off="whatever lease there is on the job is deleted",
        pieces=(
            Piece(
                "leases/lua/release.lua",
                "if redis.pcall('HGET', key, 'holder') == ARGV[i] then",
                "if redis.call('EXISTS', key) == 1 then",
            ),
        ),
        killers=(
            Killer(f"{OWN}::test_whoever_is_not_the_holder_neither_renews_nor_releases[1]"),
            Killer(f"{LATE}::test_one_that_writes_its_end_too_late_gives_back_nothing[value]"),
            Killer(f"{SIMULATED}[comparing-release]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="comparing-renewal",
        mechanism="A worker renews a lease only if it is still its own",
        off="whatever lease there is on the job is renewed",
        pieces=(Piece("leases/lua/renew.lua", "    if holder and holder ~= claimant then\n", "    if false then\n"),),
        killers=(
            Killer(f"{OWN}::test_whoever_is_not_the_holder_neither_renews_nor_releases[1]"),
            Killer("tests/worker/test_signs_of_life.py::TestLeaseRenewer::test_nor_is_a_lease_that_is_anothers"),
        ),
    ),
    Mutant(
        name="take-over",
        mechanism="A later claim takes the lease of an earlier one over",
        off="a lease is kept until it lapses",
        pieces=(
            Piece(
                "leases/lua/acquire.lua",
                "left = held >= tonumber(string.match(claimant, '^(%d+):')) and redis.call('PTTL', key) or 0",
                "left = redis.call('PTTL', key)",
            ),
        ),
        killers=(
            Killer(f"{ONE_HOLDER}::test_a_later_claim_takes_over"),
            Killer(f"{ONE_HOLDER}::test_attempts_are_compared_as_numbers"),
        ),
    ),
    Mutant(
        name="no-take-over-by-the-past",
        mechanism="A claim does not take over from a later one, nor from another of its own number",
        off="every claim takes over",
        pieces=(
            Piece(
                "leases/lua/acquire.lua",
                "left = held >= tonumber(string.match(claimant, '^(%d+):')) and redis.call('PTTL', key) or 0",
                "left = 0",
            ),
        ),
        killers=(
            Killer(f"{ONE_HOLDER}::test_nobody_takes_over_from_the_same_or_a_later_claim"),
            Killer(f"{OWN}::test_the_token_alone_makes_the_difference"),
        ),
    ),
    Mutant(
        name="renewal-makes-anew",
        mechanism="A lease that the server forgot is made anew by its renewal",
        off="it is not renewed any more",
        pieces=(
            Piece(
                "leases/lua/renew.lua",
                "local made = redis.pcall('HSET', key, 'holder', claimant, 'renewals', renewals, 'pid', pid)",
                "local made = {}",
            ),
        ),
        killers=(Killer(f"{ONE_HOLDER}::test_a_forgotten_lease_is_made_anew_by_its_renewal"),),
    ),
    Mutant(
        name="renewal-without-memory",
        mechanism="A lease is renewed also by a server that is out of memory",
        off="it is renewed by a write that needs memory",
        pieces=(
            Piece(
                "leases/lua/renew.lua",
                "        redis.call('PEXPIRE', key, ARGV[1])\n        redis.pcall('HSET',",
                "        redis.call('HSET', key, 'holder', claimant)\n        redis.call('PEXPIRE', key, ARGV[1])\n"
                "        redis.pcall('HSET',",
            ),
        ),
        killers=(
            Killer(
                "tests/leases/test_a_server_in_trouble_costs_a_moment.py"
                "::test_a_full_server_still_renews_and_refuses_new_leases",
                by="LeasesUnavailable",
            ),
        ),
    ),
    Mutant(
        name="epoch",
        mechanism="While Redis remembers for less than a lease period, nobody is dead on its word",
        off="an emptied Redis is believed at once",
        pieces=(
            Piece(
                "leases/lua/witness.lua",
                "local answer = {now - began >= period and 1 or 0}",
                "local answer = {1}",
            ),
        ),
        killers=(
            Killer(f"{FORGOT}::test_an_emptied_server_has_to_grow_old_again"),
            Killer(f"{EMPTIED}::test_a_job_of_which_the_lease_was_the_only_witness_is_left_to_its_owner"),
            Killer(f"{SIMULATED}[epoch]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="epoch-of-the-future",
        mechanism="A memory that began in the future began when the clock went back: now",
        off="an epoch from the future is kept",
        pieces=(Piece("leases/lua/witness.lua", " or began > now then", " then"),),
        killers=(Killer(f"{FOOLED}::test_an_epoch_that_says_nothing_begins_anew[99999999999999]"),),
    ),
    Mutant(
        name="witness-of-the-past",
        mechanism="A lease that has more than a period left is one that nobody has renewed since the clock went back",
        off="every lease that will lapse is a sign of life",
        pieces=(Piece("leases/lua/witness.lua", "ttl > 0 and ttl <= period", "ttl > 0"),),
        killers=(Killer(f"{FOOLED}::test_a_lease_that_nobody_renewed_since_the_clock_went_back_is_no_sign_of_life"),),
    ),
)
