"""A worker dies while Redis is in trouble: its jobs are rescued in time, by one who cannot ask, or must not believe."""

import signal

import pytest

from tests.faults.redis import strikes
from tests.faults.redis.fleet import RESCUE


@pytest.mark.parametrize(
    "strike",
    [
        strikes.flushed,
        strikes.silent,
        strikes.full,
        strikes.clock_back,
        strikes.clock_stands,
    ],
    ids=strikes.name,
)
def test_they_are_run_again_in_time(fleet, strike):
    held = fleet.hold()
    with strike(fleet, held):
        dead = fleet.owner(held[0])
        theirs = [job_id for job_id in held if fleet.owner(job_id) is dead]
        dead.worker.signal_group(signal.SIGKILL)
        for job_id in theirs:
            fleet.wait_said("start", job_id, times=2, seconds=RESCUE)
    fleet.man()
    fleet.check(twice=theirs)
