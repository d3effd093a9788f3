"""A worker with lanes claims for one after the other: what it has got is begun, whatever becomes of the next claim."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from jobqueue.worker.claimers import Claimers
from jobqueue.worker.dispatcher import Dispatcher
from tests.worker.parts import trust


def refuse(_room: int) -> list[Any]:
    raise OperationalError("The connection is gone.")


def test_what_one_lane_has_claimed_is_handed_out_though_the_claim_of_the_next_fails() -> None:
    handed: list[Any] = []
    held = trust(60)
    loop: Any = SimpleNamespace(
        claiming=True,
        claimer=Claimers([SimpleNamespace(claim=lambda room: ["held"] * room), SimpleNamespace(claim=refuse)]),  # type: ignore[list-item]
        _settler=SimpleNamespace(flush=lambda: False),
        _reconciler=SimpleNamespace(step=lambda: None),
        _feed=SimpleNamespace(rooms=lambda: [2, 1], hand=handed.extend),
        _trust=held,
        _trusted_since=held.since(),
    )
    with pytest.raises(OperationalError):
        Dispatcher._use_database(loop)
    assert handed == ["held", "held"]
