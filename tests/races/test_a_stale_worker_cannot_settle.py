"""A worker that lost its job and does not know it changes nothing any more, not even while it is losing it. S2, S5."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from tests import rows
from tests.app.models import Counter


def end_by_succeed(fence):
    return lifecycle.succeed(connection, fence, '"late"')


def end_by_hold(fence):
    return lifecycle.hold(connection, fence, steps=0)


def end_by_settle(fence):
    return lifecycle.settle(connection, [(fence, '"late"')])


def end_by_fail(fence):
    return lifecycle.fail(fence, rows.FAILED_FOR_GOOD)


def end_by_crash(fence):
    return lifecycle.crash(fence, rows.CRASHED_FOR_NOW)


def end_by_release(fence):
    return lifecycle.release([fence], started=True)


@pytest.mark.parametrize("end", [end_by_succeed, end_by_hold, end_by_settle, end_by_fail, end_by_crash, end_by_release])
def test_a_late_word_waits_for_the_rescue_and_is_refused(anna, bert, end):
    stale = rows.claimed("frozen")
    (orphan,) = lifecycle.orphans("default")
    anna.begin()
    assert anna.do(lifecycle.rescue, orphan, max_crashes=3) == "READY"

    # If the frozen worker wakes up while it is being rescued,
    late = bert.start(end, stale.fence)
    bert.waits(late)
    anna.commit()

    # then it is refused, and the next owner is not disturbed.
    assert not late.result(10)
    (fresh,) = rows.claim("next")
    before = rows.everything(stale.job_id)
    assert not bert.do(end, stale.fence)
    assert rows.everything(stale.job_id) == before
    assert (fresh.attempt, before["status"]) == (stale.attempt + 1, "RUNNING")


def test_what_a_stale_body_wrote_goes_with_its_refused_fence(anna, bert):
    """The body's own writes are in the same transaction as the fence, and the fence is the last statement."""
    counter = Counter.objects.create(name="writes")
    stale = rows.claimed("frozen")
    anna.begin()
    anna.do(Counter.objects.filter(pk=counter.pk).update, value=1)

    (orphan,) = lifecycle.orphans("default")
    if connection.vendor != "sqlite":  # There, nobody else writes while the stale body has its transaction open.
        assert bert.do(lifecycle.rescue, orphan, max_crashes=3) == "READY"
        assert not anna.do(lifecycle.succeed, connection, stale.fence, None)
        anna.roll_back()
    else:
        assert bert.do(lifecycle.rescue, orphan, max_crashes=3) is None
        anna.roll_back()
        assert bert.do(lifecycle.rescue, orphan, max_crashes=3) == "READY"

    (fresh,) = rows.claim("next")
    bert.begin()
    bert.do(Counter.objects.filter(pk=counter.pk).update, value=1)
    assert bert.do(lifecycle.succeed, connection, fresh.fence, None)
    bert.commit()
    counter.refresh_from_db()
    assert (counter.value, rows.job(stale.job_id).status) == (1, "SUCCESSFUL")
