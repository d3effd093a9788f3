"""The settler: every end is written in the end, in batches; what the database does not take now is kept, and held."""

import pytest
from django.db import OperationalError

from jobqueue import lifecycle
from jobqueue.leases import Leases
from jobqueue.lifecycle import Failure
from jobqueue.models import Attempt, Outcome
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.settler import Settler
from tests import rows
from tests.effects.runs import revoke
from tests.worker.parts import OPTIONS, leases

pytestmark = pytest.mark.usefixtures("transactional_db")


class House:
    """A settler, and jobs that its worker holds."""

    def __init__(self, jobs=1, *, found=None):
        self.leases = found
        self.woken = []
        self.holdings = Holdings()
        self.settler = Settler(self.holdings, found, "w-1", wake=self.woken.append)
        for _ in range(jobs):
            rows.enqueue()
        self.held = [self.holdings.add(claim) for claim in rows.claim(limit=jobs)]
        if found is not None:
            found.acquire([holding.fence for holding in self.held], "w-1")

    def row(self, number=0):
        return rows.job(self.held[number].claim.job_id)


CRASH = Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", "It was killed.", 0.0)


def test_values_are_settled_together_and_their_leases_given_back():
    house = House(700, found=leases())
    for number, holding in enumerate(house.held):
        house.settler.value(holding, str(number % 3) if number % 4 else None)
    assert house.settler.owes()

    assert house.settler.flush() is False

    assert not house.settler.owes()
    assert len(house.holdings) == 0
    found = {job.pk: job for job in rows.Job.objects.all()}
    assert {job.status for job in found.values()} == {"SUCCESSFUL"}
    for number, holding in enumerate(house.held):
        assert found[holding.claim.job_id].result == (number % 3 if number % 4 else None)
    assert house.leases.read([holding.claim.job_id for holding in house.held]) == {}
    assert not Attempt.objects.exists()
    assert house.woken == []


def test_the_end_of_one_that_was_renewed_or_told_of_progress_is_on_record():
    house = House(3)
    renewed, told, neither = house.held
    renewed.renewals, told.progress = 1, {"done": 1}
    for holding in house.held:
        lifecycle.record_renewals("w-1", [lifecycle.Renewal(holding.fence, 0, None)])
        house.settler.value(holding, None)
    house.settler.flush()
    outcomes = dict(Attempt.objects.values_list("job_id", "outcome"))
    assert outcomes == {renewed.claim.job_id: "ok", told.claim.job_id: "ok", neither.claim.job_id: ""}


def test_its_record_is_closed_when_nobody_can_take_it_for_held_any_more(monkeypatch):
    """Else a renewal that is recorded just then would open it again, behind everybody who could close it."""
    house, seen = House(), []
    (holding,) = house.held
    holding.renewals = 1
    close = lifecycle.close_attempts
    monkeypatch.setattr(lifecycle, "close_attempts", lambda fences: (seen.append(len(house.holdings)), close(fences)))
    house.settler.value(holding, None)
    house.settler.flush()
    assert seen == [0]


def test_a_value_of_a_job_that_is_anothers_is_refused_and_counted():
    house = House(2)
    stale = house.held[0]
    revoke(stale.claim.job_id)
    for holding in house.held:
        house.settler.value(holding, "1")
    house.settler.flush()
    assert (house.row(0).status, house.row(0).worker_id, house.row(1).status) == ("RUNNING", "rival", "SUCCESSFUL")
    assert Attempt.objects.get(token=stale.claim.token).refused_writes == 1
    assert len(house.holdings) == 0


def test_a_value_that_the_database_does_not_take_fails_its_own_job_alone():
    house = House(3)
    for holding, value in zip(house.held, ["1", "{not json", "3"], strict=True):
        house.settler.value(holding, value)
    house.settler.flush()
    rows_ = [house.row(number) for number in range(3)]
    assert [(row.status, row.outcome) for row in rows_] == [
        ("SUCCESSFUL", "ok"),
        ("FAILED", "invalid"),
        ("SUCCESSFUL", "ok"),
    ]
    assert not house.settler.owes()


def test_crashes_failures_and_hand_backs_make_jobs_due_again_and_wake_somebody():
    house = House(3)
    crashed, failed, back = house.held
    house.settler.crashed(crashed, CRASH)
    house.settler.failed(failed, rows.FAILED_FOR_NOW)
    house.settler.hand_back(back)
    assert house.settler.flush() is True
    found = [(house.row(n).status, house.row(n).outcome, house.row(n).crashes, house.row(n).failures) for n in range(3)]
    assert found == [("READY", "crashed", 1, 0), ("READY", "raised", 0, 1), ("READY", "released", 0, 0)]
    assert [set(queues) for queues in house.woken] == [{"default"}]
    assert len(house.holdings) == 0


@pytest.mark.parametrize("end", ["value", "verb"])
def test_while_the_database_is_away_ends_are_kept_and_their_claims_held(monkeypatch, end):
    house = House(found=leases())
    (holding,) = house.held
    away = [True]

    def unless_away(verb):
        def said(*args, **kwargs):
            if away:
                raise OperationalError("server closed the connection unexpectedly")
            return verb(*args, **kwargs)

        return said

    monkeypatch.setattr(lifecycle, "settle", unless_away(lifecycle.settle))
    monkeypatch.setattr(lifecycle, "crash", unless_away(lifecycle.crash))
    if end == "value":
        house.settler.value(holding, "1")
    else:
        house.settler.crashed(holding, CRASH)
    for _ in range(2):
        with pytest.raises(OperationalError):
            house.settler.flush()
        assert house.settler.owes()
        assert house.holdings.get(holding.claim.job_id) is holding
        assert set(house.leases.read([holding.claim.job_id])) == {holding.claim.job_id}

    away.clear()
    house.settler.flush()
    assert house.row().status == ("SUCCESSFUL" if end == "value" else "READY")
    assert not house.settler.owes()


def test_a_job_that_was_claimed_again_meanwhile_stays_held():
    house = House()
    (old,) = house.held
    house.settler.hand_back(old)
    new = house.holdings.add(old.claim._replace(attempt=2))
    house.settler.flush()
    assert house.holdings.get(new.claim.job_id) is new


def test_without_redis_ends_are_written_all_the_same(settings):
    settings.CACHES = {"nobody": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    house = House()
    settler = Settler(house.holdings, Leases("nobody", OPTIONS), "w-1")
    settler.value(house.held[0], None)
    settler.flush()
    assert (house.row().status, settler.owes()) == ("SUCCESSFUL", False)
