"""The ledger: that something happened, once, and what came of it. S1."""

import pytest
from django.db import IntegrityError, transaction

from jobqueue import ledger
from jobqueue.errors import LeaseLost
from jobqueue.models import LedgerEntry
from tests import rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("text", "value"), [(None, None), ('{"a": [1, "ü"]}', {"a": [1, "ü"]}), ("0", 0), ('""', "")])
def test_a_step_is_remembered_with_its_value(text, value):
    claim = rows.claimed()
    assert ledger.step(claim.job_id, "one") is None
    ledger.record_step(claim.fence, "one", text)
    entry = ledger.step(claim.job_id, "one")
    assert (entry.value, entry.attempt, entry.job_id) == (value, claim.attempt, claim.job_id)
    assert entry.created_at >= claim.started_at


def test_a_step_that_is_there_is_another_owner_s():
    claim = rows.claimed()
    ledger.record_step(claim.fence, "one", "1")
    with pytest.raises(LeaseLost, match="did the step 'one'"), transaction.atomic():
        ledger.record_step(claim.fence, "one", "2")
    assert ledger.step(claim.job_id, "one").value == 1


def test_another_error_is_not_taken_for_another_owner():
    claim = rows.claimed()
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.record_step(claim.fence._replace(attempt=None), "one", "1")


@pytest.mark.parametrize("other", ["One", "one ", "ône"])
def test_names_of_steps_are_the_same_only_when_every_character_is(other):
    claim = rows.claimed()
    ledger.record_step(claim.fence, "one", "1")
    ledger.record_step(claim.fence, other, "2")
    assert ledger.step(claim.job_id, "one").value == 1


def test_steps_of_two_jobs_have_nothing_to_do_with_each_other():
    first, second = rows.claimed(), rows.claimed()
    ledger.record_step(first.fence, "one", "1")
    assert ledger.step(second.job_id, "one") is None
    ledger.record_step(second.fence, "one", "2")


def test_one_scope_and_key_is_one_row_and_the_database_sees_to_it():
    LedgerEntry.objects.create(scope="s", key="k", job_id=rows.enqueue(), created_at="2026-01-01T00:00Z")
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(scope="s", key="k", job_id=rows.enqueue(), created_at="2026-01-01T00:00Z")
    for scope, key in (("S", "k"), ("s", "K"), ("s ", "k"), ("s", "k ")):
        LedgerEntry.objects.create(scope=scope, key=key, job_id=rows.enqueue(), created_at="2026-01-01T00:00Z")


def test_nothing_is_remembered_of_a_job_that_is_still_there():
    assert ledger.remembered(rows.enqueue(idempotency_key="k")) is None
