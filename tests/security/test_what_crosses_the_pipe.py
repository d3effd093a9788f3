"""What an executor sends is unpickled by its worker, which runs no code of the project: nothing of it names a class."""

from __future__ import annotations

import enum
import io
import logging
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from jobqueue import current_job
from jobqueue.worker.executor import logbook
from jobqueue.worker.messages import Ended, How, Report
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Stage


class Worker(pickle.Unpickler):
    """Reads as a worker does, and refuses what is not of jobqueue."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that a message names."""
        assert (module, name) == ("uuid", "UUID") or module == "jobqueue.worker.messages", f"{module}.{name}"
        return super().find_class(module, name)


def sent(message: Any) -> Any:
    """Return a message as the worker reads it."""
    return Worker(io.BytesIO(pickle.dumps(message))).load()


class Number(int):
    """A number that would have whoever unpickles it do something."""

    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)


class Real(float):
    """Likewise."""

    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)


class Text(str):
    """A text that is one also in slices and when it is asked for its text."""

    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)

    def __str__(self) -> Text:
        return self

    def __getitem__(self, key: Any) -> Text:
        return Text(super().__getitem__(key))

    def replace(self, *args: Any) -> Text:
        """Stay what it is."""
        return Text(super().replace(*args))


class Colour(enum.IntEnum):
    """A number with a name."""

    RED = 3


class List(list):
    """A list that would have whoever unpickles it do something."""

    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)


class Map(dict):
    """Likewise."""

    def __reduce__(self) -> Any:
        return eval, ("1 / 0",)


NUMBERS = [Number(1), Real(1.5), Colour.RED, True, Decimal("1.5"), Fraction(1, 3), 10**5000, -(10**300)]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_progress_is_numbers_and_a_text(stage: Stage, number: Any) -> None:
    def body() -> None:
        try:
            current_job().progress(number, number, Text("a note\0"))
        except ValueError:
            assert number == 10**5000

    assert stage.perform(body).how is How.VALUE
    for told in stage.told:
        assert {type(value) for value in told.state.values()} <= {int, float, str}
        assert sent(told) == told
    assert bool(stage.told) == (number != 10**5000)


def test_what_is_logged_is_text(stage: Stage) -> None:
    make = logging.getLogRecordFactory()
    logbook.install()

    def body() -> None:
        logging.getLogger("shop").warning(Text("%s"), Text("text"))
        stage.tell_log()

    try:
        done = stage.perform(body)
    finally:
        logging.setLogRecordFactory(make)
    (told,) = stage.told
    assert type(told.lines) is type(done.log) is str
    assert sent(told) == told
    report = Report([Ended(done.how, done.value, 0.5, log=done.log)], 1)
    assert sent(report) == report


@pytest.mark.parametrize("value", [Number(1), Text("text"), List([Number(1)]), Map(a=Text("x")), Colour.RED, Real(2.5)])
def test_a_value_is_text_of_json(stage: Stage, value: Any) -> None:
    done = stage.perform(lambda: value)
    assert done.how is How.VALUE
    assert type(done.value) is str
    report = Report([Ended(done.how, done.value, 0.5)], 1)
    assert sent(report) == report
