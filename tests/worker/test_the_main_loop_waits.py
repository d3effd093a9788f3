"""How long the main loop waits, when nothing happens: no longer than until the next look, and no turn is in vain."""

from types import SimpleNamespace
from typing import Any

import pytest

from jobqueue.worker.claimers import Claimers
from jobqueue.worker.dispatcher import _LONGEST_WAIT, Dispatcher
from tests.worker.parts import trust


def patience(*rooms: list[int], trusted: float = 60) -> float:
    """Return how long it waits where there is so much room at each time that it is asked for."""
    answers = iter(rooms)
    loop: Any = SimpleNamespace(
        claiming=True,
        claimer=Claimers([SimpleNamespace(wait_seconds=lambda: 0.1)]),  # type: ignore[list-item]
        _settler=SimpleNamespace(owes_now=lambda: False),
        _feed=SimpleNamespace(may_get_stuck=lambda: False, rooms=lambda: next(answers), room=lambda: next(answers)[0]),
        _trust=trust(trusted),
        _quiet_until=0.0,
    )
    return Dispatcher._patience(loop)


def test_it_looks_again_when_it_is_time_to() -> None:
    assert patience([1]) == 0.1


def test_a_job_may_turn_out_long_from_one_moment_to_the_next() -> None:
    assert patience([1], [0]) == 0.1


@pytest.mark.parametrize("room", [0, -1])
def test_where_there_is_no_room_nothing_is_looked_for(room: int) -> None:
    assert patience([room]) == _LONGEST_WAIT


def test_nor_without_trust_when_it_could_claim_nothing() -> None:
    assert patience([1], trusted=-5) == _LONGEST_WAIT
