"""An executor tells of an end at once when it has nothing else to do, or soon with others; it never keeps it."""

from __future__ import annotations

import math
import uuid

import pytest

from jobqueue.lifecycle import Claim
from jobqueue.worker.executor import process
from jobqueue.worker.executor.interrupts import Interrupts
from jobqueue.worker.executor.process import Mailbox
from jobqueue.worker.messages import Ended, How, Recall, Report, Returned, Run, Stop
from jobqueue.worker.seats import Seats


class Pipe:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, message: object) -> None:
        self.sent.append(message)

    def told(self) -> list[int]:
        """Return the numbers of the jobs whose end was told."""
        return [ended.serial for message in self.sent if isinstance(message, Report) for ended in message.ended]


def some_claim() -> Claim:
    values = {"job_id": uuid.uuid4(), "token": uuid.uuid4(), "task_path": "tests.app.tasks.echo"}
    return Claim(**{name: values.get(name, 0) for name in Claim._fields})


def end(serial: int) -> Ended:
    return Ended(How.VALUE, "1", 0.0, serial)


class House:
    """A mailbox whose worker is a list."""

    def __init__(self, threads: int) -> None:
        self.pipe, seats = Pipe(), Seats(threads=threads)
        self.mailbox = Mailbox(self.pipe, seats, [Interrupts() for _ in range(threads)])  # type: ignore[arg-type]
        self.mailbox.flush()

    def has(self, jobs: int) -> None:
        """Give it jobs."""
        self.mailbox._receive(Run([some_claim() for _ in range(jobs)], [0.0] * jobs))

    def take(self) -> int | None:
        """Have a seat take the next job, and return its number."""
        sent = self.mailbox.next(0)
        return sent and sent.serial


@pytest.fixture(autouse=True)
def no_end_is_told_because_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_FLUSH_SECONDS", math.inf)


@pytest.fixture(params=[1, 2])
def house(request: pytest.FixtureRequest) -> House:
    return House(request.param)


def test_one_with_nothing_else_to_do_tells_at_once(house: House) -> None:
    house.has(1)
    assert house.take() == 1
    house.mailbox.report(0, end(1))
    assert house.pipe.told() == [1]


def test_one_with_more_to_do_tells_later(house: House) -> None:
    house.has(2)
    house.take()
    house.mailbox.report(0, end(1))
    assert house.pipe.told() == []
    house.take()
    house.mailbox.report(0, end(2))
    assert house.pipe.told() == [1, 2]


def test_what_ends_while_the_rest_is_taken_back_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.has(2)
    house.take()
    taking_back = house.mailbox._take_back

    def take_back() -> list[int]:
        house.mailbox.report(0, end(1))
        return taking_back()

    monkeypatch.setattr(house.mailbox, "_take_back", take_back)
    house.mailbox._receive(Recall())
    assert house.pipe.told() == [1]
    assert house.pipe.sent[-1] == Returned([2]), "what was returned is told behind what has ended"


def test_what_another_seat_takes_the_last_job_from_is_told() -> None:
    house = House(2)
    house.has(3)
    house.take()
    house.take()
    house.mailbox.report(0, end(1))
    house.take()
    assert house.pipe.told() == [1]


def test_who_will_have_no_more_tells_though_others_still_run() -> None:
    house = House(2)
    house.has(2)
    house.take()
    house.take()
    house.mailbox._receive(Stop())
    house.mailbox.report(0, end(1))
    assert house.take() is None
    assert house.pipe.told() == [1]
