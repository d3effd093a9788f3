"""A worker dies, or freezes and thaws, at each of its points in turn: nothing is lost, and nothing happens twice."""

import pytest
from django.db import connection

from tests.app.crash_tasks import deliver_between
from tests.crashpoints.children import state_of
from tests.crashpoints.scenarios import MYSQL_ONLY, NOT_POSTGRESQL, ROWS
from tests.crashpoints.story import check_story
from tests.waiting import wait_until

# Where the heartbeat is the only sign of life it makes a difference here, if anywhere.
WITHOUT_REDIS = [
    row
    for row in ROWS
    if row.point in ("claim.after", "hand.after", "heartbeat.before", "heartbeat.after", "settle.after", "rescue.after")
    or str(row) in ("fence.after-atomic", "fence.before-steps")
]


def skip_what_is_not_there(point):
    if (point in MYSQL_ONLY and connection.vendor != "mysql") or (
        point in NOT_POSTGRESQL and connection.vendor == "postgresql"
    ):
        pytest.skip(f"this database does without {point}")


def to_the_point(case, row, deed):
    if row.role != "executor":
        row.scenario.prepare(case)
    case.start_worker_victim(*row.scenario.flags, order=row.order(deed), lease=row.scenario.lease)
    if row.role == "executor":
        row.scenario.prepare(case)
    row.scenario.provoke(case)
    return case.wait_reached()


def check_all_right(case, row):
    case.world.assert_all_right(failed=list(case.world.enqueued) if row.scenario.fails else ())
    check_story(list(case.world.enqueued))
    for job_id, path in case.world.enqueued.items():
        # To deliver twice would be no sin, with a key that is the same; but who asks first does not.
        assert len(case.world.said("delivered", job_id)) == (path == deliver_between.module_path)


def have_it_killed(case, row):
    skip_what_is_not_there(row.point)
    pid = to_the_point(case, row, "kill")
    if row.role == "worker":
        assert case.victim.wait() == -9
        case.victim.wait_all_gone()
        case.start_rescuer()
    check_all_right(case, row)
    wait_until(lambda: state_of(pid) in "ZX")


def have_it_frozen_and_thawed(case, row):
    skip_what_is_not_there(row.point)
    pid = to_the_point(case, row, "freeze")
    others_can_write = case.freeze_all(pid)
    case.world.let_go()
    case.start_rescuer()
    if others_can_write:
        case.world.wait_ended()
    else:
        case.let_lease_pass()
    case.thaw(pid)
    if not row.scenario.stops:
        case.victim.terminate()
    assert case.victim.wait() == 0
    check_all_right(case, row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_killed(case_on, row):
    have_it_killed(case_on("default"), row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_frozen_and_thawed(case_on, row):
    have_it_frozen_and_thawed(case_on("default"), row)


@pytest.mark.parametrize("row", WITHOUT_REDIS, ids=str)
def test_killed_without_redis(case_on, row):
    have_it_killed(case_on("plain"), row)


@pytest.mark.parametrize("row", WITHOUT_REDIS, ids=str)
def test_frozen_and_thawed_without_redis(case_on, row):
    have_it_frozen_and_thawed(case_on("plain"), row)
