"""A hint reaches one worker. If that one can take no job, another must hear of it, or the job waits for a poll."""

from __future__ import annotations

from threading import Event
from typing import cast

import pytest
from django.tasks import task_backends

from jobqueue.backend import JobQueueBackend
from jobqueue.leases import Wake, wake_of
from jobqueue.worker.listener import Listener


class _FullMeanwhile(Event):
    """Room that is there when the worker begins to listen, and taken when the hint comes."""

    def wait(self, timeout: float | None = None) -> bool:
        return True


@pytest.fixture
def wake() -> Wake:
    backend = cast(JobQueueBackend, task_backends["default"])
    hints = wake_of(backend.settings)
    assert hints is not None
    while hints.await_hint(["default"]):
        pass
    return hints


def test_a_worker_with_room_acts_on_a_hint(wake: Wake) -> None:
    woken, room = [], Event()
    room.set()
    wake.hint(["default"])
    Listener(wake, ["default"], room=room, woken=lambda: woken.append(True)).tick()
    assert woken
    assert wake.await_hint(["default"]) is None


def test_a_worker_without_room_leaves_the_hint_to_others(wake: Wake) -> None:
    woken: list[bool] = []
    wake.hint(["default"])
    Listener(wake, ["default"], room=Event(), woken=lambda: woken.append(True)).tick()
    assert not woken
    assert wake.await_hint(["default"]) == "default"


def test_a_worker_that_has_filled_up_meanwhile_passes_the_hint_on(wake: Wake) -> None:
    woken: list[bool] = []
    wake.hint(["default"])
    Listener(wake, ["default"], room=_FullMeanwhile(), woken=lambda: woken.append(True)).tick()
    assert not woken
    assert wake.await_hint(["default"]) == "default"
