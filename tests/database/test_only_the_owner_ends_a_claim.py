"""Every word of an owner names the token: who is not the owner changes nothing, in whatever state the job is. S2."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.models import Attempt
from tests import rows

pytestmark = pytest.mark.django_db

VERBS = {
    "succeed": lambda fence: lifecycle.succeed(connection, fence, '"late"'),
    "hold": lambda fence: lifecycle.hold(connection, fence, steps=0),
    "settle": lambda fence: lifecycle.settle(connection, [(fence, '"late"')]),
    "fail again": lambda fence: lifecycle.fail(fence, rows.FAILED_FOR_NOW),
    "fail": lambda fence: lifecycle.fail(fence, rows.FAILED_FOR_GOOD),
    "crash": lambda fence: lifecycle.crash(fence, rows.CRASHED_FOR_NOW),
    "release": lambda fence: lifecycle.release([fence], started=True),
    "release unstarted": lambda fence: lifecycle.release([fence], started=False),
    "decided": lambda fence: lifecycle.decided(connection, fence),
    "rescue": lambda fence: lifecycle.rescue(lifecycle.Orphan(fence, "w-1", 0), max_crashes=3),
}


def another_owner(claim):
    lifecycle.release([claim.fence], started=True)
    rows.claim("w-2")


STATES = {
    "another owner's": another_owner,
    "handed back": lambda claim: lifecycle.release([claim.fence], started=True),
    "failed": lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD._replace(exception_class="other")),
    "waiting again": lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW._replace(exception_class="other")),
    "cancelled": lambda claim: lifecycle.cancel(claim.job_id),
    "retried": lambda claim: (lifecycle.cancel(claim.job_id), lifecycle.retry(claim.job_id)),
    "rescued": lambda claim: lifecycle.rescue(lifecycle.Orphan(claim.fence, "w-1", 0), max_crashes=3),
    "gone": lambda claim: rows.job(claim.job_id).delete(),
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_former_owner_is_refused(verb, state):
    claim = rows.claimed()
    state(claim)
    before, attempts = rows.everything(claim.job_id), list(Attempt.objects.values())

    assert not verb(claim.fence)
    assert rows.everything(claim.job_id) == before
    assert list(Attempt.objects.values()) == attempts


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_who_forges_a_token_is_refused(verb):
    claim = rows.claimed()
    before = rows.everything(claim.job_id)
    assert not verb(rows.forged(claim.fence))
    assert rows.everything(claim.job_id) == before


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"settle", "decided"}))
def test_a_successful_job_never_changes(verb):
    claim = rows.claimed()
    lifecycle.succeed(connection, claim.fence, "1")
    before = rows.everything(claim.job_id)
    assert not VERBS[verb](claim.fence)
    assert rows.everything(claim.job_id) == before
    assert Attempt.objects.count() == 0


def test_the_token_of_another_job_is_no_token():
    """One call of claim() gives its jobs one token: it must not open the one with the other's id."""
    rows.enqueue()
    rows.enqueue()
    first, second = rows.claim(limit=2)
    assert first.token == second.token
    lifecycle.release([first.fence], started=False)
    assert not lifecycle.succeed(connection, first.fence, None)
    assert lifecycle.succeed(connection, second.fence, None)
