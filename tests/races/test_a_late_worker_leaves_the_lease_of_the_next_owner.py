"""A worker that was rescued and does not know it yet leaves the lease of the next owner alone. S9."""

from typing import cast

import pytest
from django.tasks import task_backends

from jobqueue import lifecycle
from jobqueue.backend import JobQueueBackend
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.settler import Settler
from tests import rows


@pytest.fixture
def leases():
    found = cast(JobQueueBackend, task_backends["default"]).leases()
    found.forget_all()
    return found


def value(settler, holding):
    settler.value(holding, '"late"')


def failure(settler, holding):
    settler.failed(holding, rows.FAILED_FOR_NOW)


def hand_back(settler, holding):
    settler.hand_back(holding)


@pytest.mark.parametrize("end", [value, failure, hand_back])
def test_one_that_writes_its_end_too_late_gives_back_nothing(anna, bert, leases, end):
    stale = rows.claimed("frozen")
    leases.acquire([stale.fence], "frozen")
    settler = Settler(holdings := Holdings(), leases, "frozen")
    end(settler, holdings.add(stale))

    # If it wakes up while another takes its place,
    (orphan,) = lifecycle.orphans("default")
    bert.begin()
    assert bert.do(lifecycle.rescue, orphan, max_crashes=3) == "READY"
    (fresh,) = bert.do(rows.claim, "next")
    assert bert.do(leases.acquire, [fresh.fence], "next")[0].held
    late = anna.start(settler.flush)
    anna.waits(late)
    bert.commit()
    late.result(10)

    # then its end is refused, and the lease that it gives back is not its own any more.
    assert (rows.job(fresh.job_id).token, len(holdings)) == (fresh.token, 0)
    assert {lease.token for lease in leases.read([fresh.job_id]).values()} == {fresh.token}
