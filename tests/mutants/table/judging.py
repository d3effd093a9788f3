"""Who is dead, and what becomes of its jobs: two witnesses, two looks, and a rescue of exactly what was judged."""

from tests.mutants.mutant import SERVER, SQLITE, Killer, Mutant, Piece
from tests.mutants.table.simulated import SIMULATED

KEEPER = "tests/worker/test_the_keeper_rescues_only_the_dead.py"
JUDGED = "tests/races/test_a_rescue_revokes_only_the_claim_it_judged.py"
ONE_LEFT = "tests/process/test_a_worker_with_one_witness_left_keeps_its_jobs.py"
RESCUE = "tests/database/test_rescue.py"
REDIS = "tests/process/test_redis_may_be_emptied_restarted_frozen_or_lost.py"

MUTANTS = (
    Mutant(
        name="comparing-rescue",
        mechanism="A rescue revokes the claim that was judged, and no other",
        off="it revokes whatever claim the job has by then",
        pieces=(
            Piece(
                "lifecycle/rescue.py",
                ".running().filter(pk=fence.job_id, token=fence.token)",
                ".running().filter(pk=fence.job_id)",
            ),
            Piece(
                "lifecycle/rescue.py",
                "crash(fence, _lost(",
                'crash(Fence(*judged.values_list("id", "attempt", "token").get()), _lost(',
            ),
        ),
        killers=(
            Killer(f"{JUDGED}::test_a_job_that_was_handed_back_and_claimed_again_is_left_alone"),
            Killer(f"{SIMULATED}[comparing-rescue]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="second-witness",
        mechanism="A worker whose heartbeat goes on is alive, though its leases are gone",
        off="the heartbeat is not asked: the lease alone decides",
        pieces=(
            Piece("lifecycle/rescue.py", "{age} > lease_seconds, lease_seconds", "{age} >= 0, lease_seconds"),
            Piece("lifecycle/rescue.py", "{age} > lease_seconds / 2", "{age} >= 0"),
            Piece("worker/keeper.py", "return time.monotonic() - since > self._period_of(orphan) / 2", "return True"),
            Piece(
                "lifecycle/rescue.py",
                "if not free or (worker is not None and worker.heartbeat_at != orphan.heartbeat_at):",
                "if not free:",
            ),
        ),
        killers=(
            Killer(f"{KEEPER}::test_a_heartbeat_alone_keeps_its_worker_alive"),
            Killer(f"{REDIS}::test_running_jobs_go_on_and_run_once_while_new_ones_start[lost]"),
            Killer(f"{SIMULATED}[second-witness]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="first-witness",
        mechanism="A job whose lease is held is being run, though the heartbeat of its worker stands still",
        off="the lease is not asked: the heartbeat alone decides",
        pieces=(Piece("worker/keeper.py", "[orphan for orphan in some if orphan.fence.job_id not in alive]", "some"),),
        killers=(
            Killer(f"{KEEPER}::test_a_lease_alone_keeps_its_holder_alive"),
            Killer(
                f"{ONE_LEFT}::test_while_its_leases_are_renewed_its_jobs_run_once_though_redis_forgets_them", on=SERVER
            ),
            Killer(f"{SIMULATED}[first-witness]", on=SQLITE, by="Violation"),
        ),
    ),
    Mutant(
        name="two-looks",
        mechanism="A heartbeat must have stood still by the keeper's own clock too, whatever the database's clock says",
        off="the first look is believed",
        pieces=(
            Piece("worker/keeper.py", "return time.monotonic() - since > self._period_of(orphan) / 2", "return True"),
        ),
        killers=(Killer(f"{KEEPER}::test_a_heartbeat_that_looks_old_but_moves_is_alive"),),
    ),
    Mutant(
        name="last-look",
        mechanism="A worker whose heartbeat has moved between the judgement and the rescue is alive",
        off="the heartbeat is not looked at again",
        pieces=(
            Piece(
                "lifecycle/rescue.py",
                "if not free or (worker is not None and worker.heartbeat_at != orphan.heartbeat_at):",
                "if not free:",
            ),
        ),
        killers=(
            Killer(f"{JUDGED}::test_a_worker_whose_heartbeat_has_moved_is_alive"),
            Killer(f"{JUDGED}::test_a_worker_whose_row_appears_is_alive"),
        ),
    ),
    Mutant(
        name="rescue-skips-locked",
        mechanism="A rescue passes over a job that its owner is committing",
        off="it waits for the owner",
        pieces=(Piece("lifecycle/rescue.py", "select_for_update(skip_locked=skip)", "select_for_update()"),),
        killers=(Killer(f"{JUDGED}::test_an_owner_that_is_committing_is_left_alone", on=SERVER, by="TimeoutError"),),
    ),
    Mutant(
        name="heeded-lock",
        mechanism="Who finds SQLite locked condemns nobody for a lease: no heartbeat could be written",
        off="it is not asked whether heartbeats could be written",
        pieces=(
            Piece("worker/keeper.py", "time.monotonic() - self._locked_at < self._options.lease_seconds", "False"),
        ),
        killers=(
            Killer(f"{SIMULATED}[heeded-lock]", on=SQLITE, by="Violation"),
            Killer(f"{KEEPER}::test_while_somebody_keeps_sqlite_locked_nobody_is_condemned", on=SQLITE),
        ),
    ),
    Mutant(
        name="leases-of-others",
        mechanism="A worker whose leases are longer than one's own, before a deploy, is alive for as long as they say",
        off="no lease is believed that has more left than one's own lasts",
        pieces=(Piece("leases/leases.py", "max(self._period, round(period * 1000))", "self._period"),),
        killers=(Killer(f"{KEEPER}::test_a_lease_that_is_longer_than_ones_own_keeps_its_holder_alive"),),
    ),
    Mutant(
        name="silent-redis",
        mechanism="A Redis that does not answer says of nobody that they are dead, for as long as a lease may live",
        off="no answer counts as no leases",
        pieces=(
            Piece(
                "worker/keeper.py",
                "return set() if asked - self._unwitnessed_since.setdefault(period, since) > period else None",
                "return set()",
            ),
        ),
        killers=(Killer(f"{KEEPER}::test_a_redis_that_is_out_of_reach_condemns_nobody_at_first"),),
    ),
    Mutant(
        name="heartbeat-of-the-future",
        mechanism="A heartbeat from the future protects nobody: the database's clock went back",
        off="how far it is in the future is not asked",
        pieces=(
            Piece(
                "lifecycle/rescue.py",
                "ABS({seconds_since_sql(connection, 'heartbeat_at')})",
                "({seconds_since_sql(connection, 'heartbeat_at')})",
            ),
        ),
        killers=(Killer(f"{RESCUE}::test_a_heartbeat_from_the_future_does_not_protect_a_dead_worker"),),
    ),
    Mutant(
        name="orphans-of-nobody",
        mechanism="A job whose worker has no row is an orphan too",
        off="only workers that have a row are looked at",
        pieces=(Piece("lifecycle/rescue.py", "    if unknown:\n", "    if False:\n"),),
        killers=(Killer(f"{RESCUE}::test_a_worker_without_a_row_is_dead", by="ValueError"),),
    ),
    Mutant(
        name="own-jobs",
        mechanism="A keeper leaves the jobs of its own worker to the worker",
        off="it judges its own worker too",
        pieces=(Piece("worker/keeper.py", "if o.worker_id != self._worker_id]", "]"),),
        killers=(Killer(f"{KEEPER}::test_what_is_our_own_is_not_ours_to_rescue"),),
    ),
    Mutant(
        name="crash-budget-of-the-lost",
        mechanism="A job that loses worker after worker is poison, and is failed",
        off="a rescued job always gets another attempt",
        pieces=(Piece("lifecycle/rescue.py", "again=orphan.crashes + 1 < max_crashes", "again=True"),),
        killers=(Killer(f"{RESCUE}::test_a_job_that_loses_every_worker_is_poison"),),
    ),
)
