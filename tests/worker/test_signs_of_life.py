"""The renewer and the heartbeat: each extends trust by what it has done itself, and records what it has counted."""

import time

import pytest
from django.db import OperationalError, connection

from jobqueue import lifecycle
from jobqueue.fence import Fence
from jobqueue.leases import Leases, LeasesUnavailable
from jobqueue.models import Attempt, Worker
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.renewer import Heartbeat, LeaseRenewer
from tests import rows
from tests.races.actors import Actor
from tests.worker.parts import OPTIONS, Dummy, DummyCrew, claim_of, identity, leases, trust


@pytest.fixture
def holdings():
    return Holdings()


class TestLeaseRenewer:
    def renewer(self, holdings, found, believed):
        return LeaseRenewer(found, holdings, believed, identity(), period=1.0)

    def test_it_renews_counts_and_extends_trust(self, holdings):
        found, believed, claim = leases(), trust(-5), claim_of()
        holdings.add(claim).executor = Dummy(pid=4711)
        believed._period = 10
        assert self.renewer(holdings, found, believed).tick() == 1.0
        view = found.read([claim.job_id])[claim.job_id]
        assert (view.token, view.worker_id, view.renewals, view.pid) == (claim.token, "w-1", 1, 4711)
        assert (holdings.get(claim.job_id).renewals, believed.holds()) == (1, True)

    def test_nothing_held_is_no_sign_of_life(self, holdings):
        believed = trust(-5)
        believed._period = 10
        self.renewer(holdings, leases(), believed).tick()
        assert not believed.holds()

    def test_nor_is_a_lease_that_is_anothers(self, holdings):
        found, believed, claim = leases(), trust(-5), claim_of()
        believed._period = 10
        found.acquire([Fence(claim.job_id, claim.attempt + 1, claim.token)], "w-2")
        holdings.add(claim)
        self.renewer(holdings, found, believed).tick()
        assert not believed.holds()

    def test_nor_is_a_redis_that_does_not_answer(self, holdings, settings):
        settings.CACHES = {"nobody": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
        believed, claim = trust(-5), claim_of()
        believed._period = 10
        holding = holdings.add(claim)
        with pytest.raises(LeasesUnavailable):
            self.renewer(holdings, Leases("nobody", OPTIONS), believed).tick()
        assert (believed.holds(), holding.renewals) == (False, 0)

    def test_what_runs_in_a_frozen_process_is_not_renewed(self, holdings):
        found, frozen, lively = leases(), claim_of(), claim_of()
        holdings.add(frozen).executor = executor = Dummy()
        holdings.add(lively)
        executor.frozen_since = time.monotonic()
        self.renewer(holdings, found, trust()).tick()
        assert set(found.read([frozen.job_id, lively.job_id])) == {lively.job_id}
        assert holdings.get(frozen.job_id).renewals == 0


@pytest.mark.usefixtures("transactional_db")
class TestHeartbeat:
    def heartbeat(self, holdings, believed, *executors, counts_renewals=False):
        return Heartbeat(
            holdings, DummyCrew(*executors), believed, identity(), period=3.0, counts_renewals=counts_renewals
        )

    def test_it_writes_the_workers_row_and_extends_trust(self, holdings):
        believed, executor, claim = trust(-5), Dummy(), claim_of()
        believed._period = 10
        executor.begin(claim)
        heart = self.heartbeat(holdings, believed, executor)
        heart.tick()
        row = Worker.objects.get(pk="w-1")
        assert row.executors == [{"pid": 4711, "job": str(claim.job_id), "memory": 0}]
        assert believed.holds()

        heart.tick()  # It is not time yet.
        assert Worker.objects.get(pk="w-1").heartbeat_at == row.heartbeat_at
        heart._next_beat = 0
        rows.let_time_pass()
        heart.tick()
        assert Worker.objects.get(pk="w-1").heartbeat_at > row.heartbeat_at

    def test_an_executor_that_the_row_does_not_name_is_told_of_at_once(self, holdings):
        """Whoever rescues its job ends its sessions, and knows them by its pid."""
        heart = self.heartbeat(holdings, trust(), Dummy(pid=4711))
        heart.tick()
        heart._crew._executors = [Dummy(pid=4712)]
        heart.tick()
        row = Worker.objects.get(pk="w-1")
        assert [executor["pid"] for executor in row.executors] == [4712]
        heart.tick()
        assert Worker.objects.get(pk="w-1").heartbeat_at == row.heartbeat_at

    def test_a_row_that_is_gone_is_made_anew(self, holdings):
        heart = self.heartbeat(holdings, trust())
        heart.tick()
        Worker.objects.all().delete()
        heart._next_beat = 0
        heart.tick()
        assert Worker.objects.get(pk="w-1").name == "w"

    def test_it_records_renewals_and_progress_when_they_have_changed(self, holdings):
        claim, heart = claim_of(), self.heartbeat(holdings, trust())
        holding = holdings.add(claim)
        holding.executor = Dummy(pid=4711)
        heart.tick()
        assert not Attempt.objects.exists()

        holding.renewals = 2
        holding.progress = {"done": 3, "total": 10, "note": "rows"}
        heart.tick()
        row = Attempt.objects.get()
        assert (row.job_id, row.number, row.token, row.worker_id) == (claim.job_id, 1, claim.token, "w-1")
        assert (row.renewals, row.pid, row.progress) == (2, 4711, holding.progress)

        heart.tick()
        assert Attempt.objects.get().renewed_at == row.renewed_at
        holding.renewals = 3
        rows.let_time_pass()
        heart.tick()
        assert Attempt.objects.get().renewed_at > row.renewed_at

    def test_what_is_recorded_of_a_claim_that_is_over_by_then_does_not_stay_open(self, holdings, monkeypatch):
        claim, heart = rows.claimed("w-1"), self.heartbeat(holdings, trust())
        holdings.add(claim).renewals = 1
        record = lifecycle.record_renewals

        def record_late(worker_id, renewals):
            lifecycle.release([claim.fence], started=False)
            holdings.drop(claim.job_id)
            return record(worker_id, renewals)

        monkeypatch.setattr(lifecycle, "record_renewals", record_late)
        heart.tick()
        assert not Attempt.objects.exists()

    def test_without_redis_each_beat_renews_every_lease(self, holdings):
        lively, frozen = holdings.add(claim_of()), holdings.add(claim_of())
        frozen.executor = executor = Dummy()
        executor.frozen_since = time.monotonic()
        heart = self.heartbeat(holdings, trust(), executor, counts_renewals=True)
        heart.tick()
        heart._next_beat = 0
        heart.tick()
        assert (lively.renewals, frozen.renewals) == (2, 0)

    if connection.vendor == "sqlite":

        def test_a_locked_sqlite_is_a_sign_of_life(self, holdings):
            """Whoever could rescue our jobs is locked out as well."""
            believed, rival = trust(-5), Actor()
            believed._period = 10
            heart = self.heartbeat(holdings, believed)
            connection.ensure_connection()
            connection.connection.execute("PRAGMA busy_timeout = 20")
            rival.begin()
            heart.tick()
            rival.roll_back()
            rival.leave()
            rival.join()
            assert believed.holds()

    def test_another_error_is_none(self, holdings, monkeypatch):
        believed = trust(-5)
        believed._period = 10
        heart = self.heartbeat(holdings, believed)
        connection.ensure_connection()

        def cut(*_):
            raise OperationalError("server closed the connection unexpectedly")

        with connection.execute_wrapper(cut), pytest.raises(OperationalError):
            heart.tick()
        assert not believed.holds()
        assert not Worker.objects.exists()
