"""The sweep leaves no point out."""

from jobqueue.points import POINTS
from tests.aliases.points import ELSEWHERE
from tests.crashpoints import test_a_caller_may_die_or_freeze_anywhere as callers
from tests.crashpoints import test_a_tick_may_die_or_freeze_anywhere as ticking
from tests.crashpoints.scenarios import ROWS


def test_every_declared_point_has_a_row():
    swept = {row.point for row in ROWS} | {point for _, point, _ in callers.ENQUEUES}
    swept |= set(ELSEWHERE)
    swept |= {point for point, _ in [*callers.CANCELS, *callers.RETRIES, *callers.LOTS, *callers.DECIDES]}
    swept |= {point for point, _ in [*callers.PRUNES, *ticking.TICKS]}
    assert swept == set(POINTS)
