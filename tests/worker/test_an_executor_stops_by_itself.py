"""An executor whose worker is frozen begins nothing and ends what it runs, in time for others to act."""

import threading
import time
from multiprocessing import get_context

import pytest

from jobqueue.worker.board import Board
from jobqueue.worker.executor.conscience import Conscience
from jobqueue.worker.executor.process import _wait_for_trust
from jobqueue.worker.trust import Trust

CONTEXT = get_context("spawn")
LEASE, MARGIN = 10, 2


@pytest.fixture
def board() -> Board:
    return Board(CONTEXT)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the signals that this process would have sent to itself."""
    signals: list[int] = []
    monkeypatch.setattr("jobqueue.worker.executor.conscience.signal.raise_signal", signals.append)
    return signals


def renewed(*, ago: float) -> Trust:
    """Return the trust of a worker that has not renewed it since."""
    trust = Trust(CONTEXT, lease_seconds=LEASE, margin_seconds=MARGIN)
    trust._until.value = 0.0  # One that is made now would be trusted until now.
    trust.extend(time.monotonic() - ago)
    return trust


def test_it_leaves_a_job_to_its_watchdog_first(board, killed):
    board.begin(1)
    trust = renewed(ago=LEASE - 0.4 * MARGIN)
    assert trust.overdue() > MARGIN / 2, "by now a watchdog that is awake has killed"
    again = Conscience([board], trust).tick()
    assert not killed
    assert again < 0.4 * MARGIN, "it looks once more before the lease is over"


def test_it_ends_before_the_lease_is_over(board, killed):
    board.begin(1)
    Conscience([board], renewed(ago=LEASE - 0.2 * MARGIN)).tick()
    assert killed


def test_one_that_runs_nothing_lives_on(board, killed):
    Conscience([board], renewed(ago=2 * LEASE)).tick()
    assert not killed


def test_a_job_begins_only_while_its_worker_is_trusted():
    trust, began = renewed(ago=LEASE), threading.Event()
    threading.Thread(target=lambda: (_wait_for_trust(trust), began.set()), daemon=True).start()
    assert not began.wait(0.3)
    trust.extend(time.monotonic())
    assert began.wait(5)


def test_one_that_runs_something_in_any_of_its_seats_ends(board, killed):
    other = Board(CONTEXT)
    other.begin(1)
    Conscience([board, other], renewed(ago=LEASE - 0.2 * MARGIN)).tick()
    assert killed
