"""`jobs decide` and jobqueue.operations: somebody says what came of a delivery in doubt, and its job goes on."""

import json
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobqueue import deliveries, ledger, lifecycle, operations
from jobqueue.errors import InvalidResult, WrongState
from jobqueue.models import Job, LedgerEntry
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(*words):
    out = StringIO()
    call_command("jobs", *map(str, words), stdout=out)
    return out.getvalue().rstrip("\n")


def in_doubt(*steps, has_lookup=False):
    """Have a job fail for good that has intents without receipts."""
    claim = rows.claimed()
    for step in steps or ("charge",):
        ledger.put(claim.fence, ledger.delivery_scope(claim.job_id), step, deliveries.OPEN[has_lookup])
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD) == "FAILED"
    return claim.job_id


def told(job_id):
    return {it.step: (it.state, it.receipt) for it in deliveries.of_job(job_id)}


def state(job_id):
    return Job.objects.values_list("status", "outcome").get(pk=job_id)


def test_what_was_done_is_told_with_its_receipt():
    job_id = in_doubt()
    assert state(job_id) == ("FAILED", "in_doubt")
    text = jobs("decide", job_id, "--done", "--receipt", '{"id": "ch_1"}')
    assert text == f"'charge' of job {job_id} was done."
    assert (state(job_id), told(job_id)) == (("READY", ""), {"charge": ("done", {"id": "ch_1"})})
    assert LedgerEntry.objects.get().value["by"] == "manage.py"


def test_what_was_not_done_is_done_again():
    job_id = in_doubt()
    assert json.loads(jobs("decide", job_id, "--again", "--json")) == {
        "job": str(job_id),
        "step": "charge",
        "decided": "again",
    }
    assert (state(job_id), told(job_id)) == (("READY", ""), {})


def test_the_job_waits_for_the_last_word():
    job_id = in_doubt("mail", "charge")
    with pytest.raises(CommandError, match="more than one delivery in doubt: say which of 'mail', 'charge'"):
        jobs("decide", job_id, "--again")
    with pytest.raises(WrongState, match="none of that name in doubt, but 'mail', 'charge'"):
        operations.was_done(job_id, "other")
    operations.was_done(job_id, "mail")
    assert state(job_id) == ("FAILED", "in_doubt")
    with pytest.raises(WrongState, match="whether 'charge' was delivered"):
        lifecycle.retry(job_id)
    operations.do_again(job_id, "charge")
    assert (state(job_id), told(job_id)) == (("READY", ""), {"mail": ("done", None)})


def test_a_plain_retry_passes_it_over():
    job_id = in_doubt()
    assert jobs("retry", "--all") == "0 jobs were retried."
    report = operations.retry(Job.objects.all())
    assert (report.done, len(report.skipped)) == (0, 1)
    assert f"jobs decide {job_id}" in report.skipped[0]
    assert state(job_id) == ("FAILED", "in_doubt")


def test_one_whose_task_can_ask_is_retried_as_others_are():
    job_id = in_doubt(has_lookup=True)
    assert state(job_id) == ("FAILED", "raised")
    assert jobs("retry", job_id) == "1 job was retried."
    assert (state(job_id), told(job_id)) == (("READY", ""), {"charge": ("asked", None)})


def test_one_in_doubt_of_which_nothing_is_in_the_ledger_is_retried():
    job_id = in_doubt()
    LedgerEntry.objects.all().delete()
    lifecycle.retry(job_id)
    assert state(job_id) == ("READY", "")


def test_it_is_listed_and_shown():
    job_id = in_doubt()
    assert [it["id"] for it in json.loads(jobs("list", "--outcome", "in_doubt", "--json"))] == [str(job_id)]
    assert f"charge: in doubt, key {job_id}:charge" in jobs("show", job_id)
    (found,) = json.loads(jobs("show", job_id, "--json"))["deliveries"]
    assert (found["step"], found["state"], found["attempt"]) == ("charge", "in doubt", 1)


@pytest.mark.parametrize("status", ["READY", "RUNNING", "SUCCESSFUL"])
def test_nothing_is_decided_of_a_job_that_is_not_failed(status):
    job_id = in_doubt()
    Job.objects.filter(pk=job_id).update(status=status)
    for word in ("--done", "--again"):
        with pytest.raises(CommandError, match="is not FAILED, so there is nothing to decide"):
            jobs("decide", job_id, word)
    assert told(job_id) == {"charge": ("in doubt", None)}


def test_nor_of_one_that_is_not_in_doubt_or_not_there():
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    with pytest.raises(WrongState, match="has nothing in doubt"):
        operations.do_again(claim.job_id)
    with pytest.raises(WrongState):
        operations.was_done(uuid.uuid4())


def test_a_receipt_that_is_not_json_decides_nothing():
    job_id = in_doubt()
    with pytest.raises(InvalidResult, match="The receipt is object, which cannot be stored"):
        operations.was_done(job_id, receipt=object())
    with pytest.raises(CommandError, match="is not JSON"):
        jobs("decide", job_id, "--done", "--receipt", "ch_1")
    with pytest.raises(CommandError, match="--receipt goes with --done"):
        jobs("decide", job_id, "--again", "--receipt", "1")
    assert state(job_id) == ("FAILED", "in_doubt")


def test_an_entry_that_somebody_else_has_written_is_told_and_not_believed():
    job_id = in_doubt()
    LedgerEntry.objects.update(value=[1])
    assert "was not written by jobqueue" in jobs("show", job_id)
    with pytest.raises(WrongState, match=r"was not written by jobqueue\. Set its value to NULL"):
        operations.do_again(job_id)
    other = rows.claimed()
    lifecycle.fail(other.fence, rows.FAILED_FOR_GOOD)
    report = operations.retry(Job.objects.all())
    assert (report.done, state(job_id), rows.job(other.job_id).status) == (1, ("FAILED", "in_doubt"), "READY")
    LedgerEntry.objects.update(value=None)
    operations.do_again(job_id)
    assert state(job_id)[0] == "READY"


def test_a_job_that_goes_on_has_a_fresh_budget_and_keeps_its_record():
    claim = rows.claimed()
    ledger.put(claim.fence, ledger.delivery_scope(claim.job_id), "charge", None)
    assert lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW._replace(retry_in=None)) == "FAILED"
    assert state(claim.job_id) == ("FAILED", "in_doubt")
    operations.do_again(claim.job_id)
    row = Job.objects.get()
    assert (row.status, row.crashes, row.finished_at) == ("READY", 0, None)
