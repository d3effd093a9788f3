"""The record of attempts: renewals, progress, how it ended, refused late writes."""

import pytest
from django.db import OperationalError, connection

from jobqueue import lifecycle
from jobqueue.lifecycle import Renewal
from jobqueue.models import Attempt
from tests import rows

pytestmark = pytest.mark.django_db


def record(*renewals, worker_id="w-1"):
    assert lifecycle.record_renewals(worker_id, renewals)


def test_the_first_renewal_makes_the_record_and_later_ones_keep_it_true():
    claim = rows.claimed("w-4")
    record(Renewal(claim.fence, 1, 77, None, claim.started_at), worker_id="w-4")
    attempt = Attempt.objects.get()
    assert (attempt.job_id, attempt.number, attempt.token) == claim.fence
    assert (attempt.worker_id, attempt.pid, attempt.renewals, attempt.progress) == ("w-4", 77, 1, None)
    assert attempt.started_at == claim.started_at <= attempt.renewed_at
    assert (attempt.ended_at, attempt.outcome, attempt.refused_writes) == (None, "", 0)

    rows.let_time_pass()
    record(Renewal(claim.fence, 2, 78, {"done": 3, "total": 9, "note": "ü"}, claim.started_at), worker_id="w-4")
    later = Attempt.objects.get()
    assert (later.pid, later.renewals, later.progress) == (78, 2, {"done": 3, "total": 9, "note": "ü"})
    assert later.renewed_at > attempt.renewed_at
    assert later.started_at == claim.started_at


def test_renewals_of_many_are_few_statements(django_assert_max_num_queries):
    for _ in range(50):
        rows.enqueue()
    claims = rows.claim(limit=50)
    with django_assert_max_num_queries(8):
        record(*(Renewal(claim.fence, 1, 7) for claim in claims))
    assert Attempt.objects.count() == 50


def test_no_renewals_ask_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert lifecycle.record_renewals("w-1", [])


def test_the_job_itself_is_not_touched():
    claim = rows.claimed()
    before = rows.everything(claim.job_id)
    record(Renewal(claim.fence, 1, 7))
    assert rows.everything(claim.job_id) == before


def test_two_claims_with_one_number_are_two_records():
    """After a failover to an older state of the database a number may be given again; the token never is."""
    claim = rows.claimed()
    record(Renewal(claim.fence, 1, 7), Renewal(rows.forged(claim.fence), 5, 8))
    assert set(Attempt.objects.values_list("number", "renewals")) == {(1, 1), (1, 5)}


def test_a_late_renewal_does_not_open_what_has_ended():
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    record(Renewal(claim.fence, 9, 7))
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.ended_at is None) == ("raised", False)


def test_what_ended_well_is_closed_and_nothing_else():
    well, going, badly, quick = (rows.claimed() for _ in range(4))
    record(*(Renewal(claim.fence, 1, 7) for claim in (well, going, badly)))
    lifecycle.fail(badly.fence, rows.FAILED_FOR_GOOD)
    lifecycle.settle(connection, [(quick.fence, None), (well.fence, None)])
    lifecycle.close_attempts([well.fence, badly.fence, quick.fence])
    outcomes = {attempt.job_id: attempt.outcome for attempt in Attempt.objects.all()}
    assert outcomes == {well.job_id: "ok", going.job_id: "", badly.job_id: "raised"}
    assert Attempt.objects.get(job_id=well.job_id).ended_at is not None


def test_a_renewal_that_is_recorded_behind_a_hand_back_is_no_attempt_that_ended_well():
    claim = rows.claimed()
    lifecycle.release([claim.fence], started=False)
    record(Renewal(claim.fence, 2, 7))
    lifecycle.close_attempts([claim.fence])
    assert not Attempt.objects.exists()


def test_a_record_with_refused_writes_is_kept():
    claim = rows.claimed()
    lifecycle.release([claim.fence], started=False)
    lifecycle.count_refused(claim.fence, worker_id="w-1")
    lifecycle.close_attempts([claim.fence])
    assert Attempt.objects.get().outcome == ""


def test_the_record_of_a_claim_that_is_still_running_is_left_alone():
    claim = rows.claimed()
    record(Renewal(claim.fence, 2, 7))
    lifecycle.close_attempts([claim.fence])
    assert (Attempt.objects.get().outcome, Attempt.objects.get().ended_at) == ("", None)


def test_a_refused_write_is_counted_on_the_attempt_that_made_it():
    claim = rows.claimed()
    lifecycle.rescue(lifecycle.orphans("default")[0], max_crashes=3)
    rows.claim("w-2")
    lifecycle.count_refused(claim.fence)
    lifecycle.count_refused(claim.fence)
    attempt = Attempt.objects.get()
    assert (attempt.token, attempt.refused_writes, attempt.outcome) == (claim.token, 2, "lost")


def test_a_refused_write_without_a_record_makes_one():
    claim = rows.claimed()
    lifecycle.release([claim.fence], started=False)
    lifecycle.count_refused(claim.fence, worker_id="w-1")
    attempt = Attempt.objects.get()
    assert (attempt.job_id, attempt.number, attempt.token) == claim.fence
    assert (attempt.worker_id, attempt.refused_writes) == ("w-1", 1)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_reached_is_no_locked_row(monkeypatch):
    claim = rows.claimed()
    connection.close()

    def refuse():
        raise OperationalError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "connect", refuse)
        with pytest.raises(OperationalError, match="connection refused"):
            lifecycle.record_renewals("w-1", [Renewal(claim.fence, 1, 7)])
    record(Renewal(claim.fence, 1, 7))
