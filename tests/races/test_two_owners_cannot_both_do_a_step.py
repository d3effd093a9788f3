"""A step has one entry in the ledger: the second owner who enters it waits, and goes by how the first one ends. S1."""

import pytest
from django.db import transaction

from jobqueue import ledger
from jobqueue.errors import LeaseLost
from tests import rows


def do_step(fence, value):
    with transaction.atomic():
        ledger.record_step(fence, "charge", value)


def test_the_second_is_refused_when_the_first_commits(anna, bert):
    claim = rows.claimed()
    anna.begin()
    anna.do(do_step, claim.fence, '"paid"')
    second = bert.start(do_step, rows.forged(claim.fence), '"paid twice"')
    bert.waits(second)

    anna.commit()
    with pytest.raises(LeaseLost, match="'charge'"):
        second.result(10)
    assert ledger.step(claim.job_id, "charge").value == "paid"


def test_the_second_does_it_when_the_first_is_undone(anna, bert):
    claim = rows.claimed()
    anna.begin()
    anna.do(do_step, claim.fence, None)
    second = bert.start(do_step, rows.forged(claim.fence), '"paid"')
    bert.waits(second)

    anna.roll_back()
    second.result(10)
    assert ledger.step(claim.job_id, "charge").value == "paid"
