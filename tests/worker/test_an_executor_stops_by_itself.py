"""An executor whose worker is frozen begins nothing and ends what it runs, in time for others to act."""

import threading
import time
from multiprocessing import get_context

import pytest

from jobqueue.worker.board import Board
from jobqueue.worker.executor import process
from jobqueue.worker.executor.conscience import Conscience
from jobqueue.worker.executor.process import Sent, _wait_for_trust
from jobqueue.worker.messages import Ended, How
from jobqueue.worker.trust import Trust
from tests.worker.parts import claim_of

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


class Letters:
    """A mailbox with these jobs in it."""

    def __init__(self, *sent: Sent) -> None:
        self.memory = 1
        self.sent, self.told = list(sent), []

    def next(self, lane):
        return self.sent.pop(0) if self.sent else None

    def report(self, lane, ended):
        self.told.append(ended)


class Performs:
    """Whoever runs jobs."""

    def __init__(self) -> None:
        self.run = []

    def perform(self, claim, serial):
        self.run.append(serial)
        return Ended(How.SETTLED, None, 0.0, serial)


def test_what_was_sent_before_trust_was_over_is_not_begun(board, monkeypatch):
    """Others may have it: the fence would refuse what it writes, but nobody what it does elsewhere."""
    monkeypatch.setattr(process, "_take_signals", lambda: None)
    trust, sent_at = renewed(ago=0), time.monotonic()
    trust.extend(time.monotonic())
    assert trust.since() < sent_at, "a gap is what counts, not a renewal"
    trust._until.value = time.monotonic() - 5
    trust.extend(time.monotonic())
    letters = Letters(Sent(1, claim_of(), sent_at), Sent(2, claim_of(), time.monotonic()))
    performer = Performs()
    process._run_jobs(letters, 0, board, performer, trust)
    assert performer.run == [2]
    assert [(ended.serial, ended.how) for ended in letters.told] == [(1, How.STALE), (2, How.SETTLED)]
