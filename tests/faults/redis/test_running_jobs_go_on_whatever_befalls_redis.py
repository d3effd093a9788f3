"""Whatever befalls Redis alone: running jobs go on and run once, new ones are done, no worker dies."""

import time

import pytest

from tests.faults.redis import strikes
from tests.faults.redis.fleet import LEASE
from tests.waiting import wait_until

OUT_OF_REACH = [
    strikes.refuses,
    strikes.paused,
    strikes.paused_for_writes,
    strikes.foreign_values,
    strikes.requests_lost,
    strikes.answers_lost,
    strikes.slow,
    strikes.cut_before,
    strikes.cut_behind,
]
OUT_OF_REACH_FOR_ONE = [strikes.lost_to_one, strikes.deaf_one]
ANSWERING = [
    strikes.stutters,
    strikes.full,
    strikes.evicts,
    strikes.clock_back,
    strikes.clock_ahead,
    strikes.clock_stands,
    strikes.flushed,
    strikes.hints_stolen,
]


@pytest.mark.parametrize("strike", [*OUT_OF_REACH, *OUT_OF_REACH_FOR_ONE, *ANSWERING], ids=strikes.name)
def test_every_job_is_run_once(fleet, strike):
    held = fleet.hold()
    deaf = fleet.sides if strike in OUT_OF_REACH else [fleet.owner(held[0])] if strike in OUT_OF_REACH_FOR_ONE else []
    before = {side.name: len(side.worker.output) for side in fleet.sides}
    with strike(fleet, held):
        struck = time.monotonic()
        fleet.do_some()
        # By then every lease of before has lapsed, and whoever went by Redis alone would have taken the jobs.
        time.sleep(max(0.0, struck + 1.4 * LEASE - time.monotonic()))
        # A fault that nobody notices would prove nothing.
        wait_until(lambda: all(side.has_complained(before[side.name]) for side in deaf), 20)
    fleet.wait_leased(held)
    fleet.check()
