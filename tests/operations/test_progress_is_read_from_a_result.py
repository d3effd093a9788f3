"""How far a job says it is, is asked of its result: live, and the last attempt's word alone."""

import pytest

from jobqueue import lifecycle, results
from jobqueue.lifecycle import Renewal
from tests import rows

pytestmark = pytest.mark.django_db


def say(claim, done):
    told = {"done": done, "total": 10, "note": "rows"}
    lifecycle.record_renewals("w-1", [Renewal(claim.fence, 1, 4711, told, claim.started_at)])


def test_a_result_tells_how_far_its_job_is():
    claim = rows.claimed()
    result = results.get(str(claim.job_id))
    assert result.progress is None
    say(claim, 3)
    assert result.progress == {"done": 3, "total": 10, "note": "rows"}
    say(claim, 4)
    assert result.progress["done"] == 4


def test_a_new_attempt_begins_anew():
    claim = rows.claimed()
    say(claim, 9)
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    (again,) = rows.claim()
    result = results.get(str(claim.job_id))
    lifecycle.record_renewals("w-1", [Renewal(again.fence, 1, 4711)])
    assert result.progress is None
    say(again, 1)
    assert result.progress["done"] == 1
