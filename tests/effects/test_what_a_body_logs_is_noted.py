from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Generator
from contextvars import copy_context
from typing import Any

import pytest
from django.tasks import task

from jobqueue.backend import backend_of
from jobqueue.worker.executor import logbook
from jobqueue.worker.messages import How, Logged
from tests.effects.runs import Stage
from tests.security.hostile import HOSTILE, RAW

LOGGER = logging.getLogger("shop.orders")
LINE = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z (.*)")


@pytest.fixture(autouse=True)
def _noting() -> Generator[None]:
    """Be a process that notes what is logged."""
    before = logging.getLogRecordFactory()
    logbook.install()
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def log_lines(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give `log_lines(number)`: keep so many."""
    backend = backend_of("default")
    assert backend is not None

    def log_lines(number: int) -> None:
        options = backend.settings.read("default", {"LOG_LINES": number})
        monkeypatch.setattr(backend, "settings", options)
        stage.listen()

    return log_lines


def refuse(text: str) -> None:
    """Raise it."""
    raise ValueError(text)


def said(log: str) -> list[str]:
    """Return lines without their times."""
    return [match[1] if (match := LINE.fullmatch(line)) else line for line in log.split("\n")]


def test_each_line_has_its_time_level_logger_and_message(stage: Stage) -> None:
    def body() -> None:
        LOGGER.warning("Read %d rows", 30)
        logging.getLogger("shop").error("No %s", "shop")

    run = stage.perform(body)
    assert said(run.log) == ["WARNING shop.orders Read 30 rows", "ERROR shop No shop"]
    assert all(LINE.fullmatch(line) for line in run.log.split("\n"))


def test_what_a_level_keeps_out_is_not_noted_and_what_does_not_propagate_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "propagate", False)

    def body() -> None:
        LOGGER.debug("quiet")
        LOGGER.warning("loud")

    assert said(stage.perform(body).log) == ["WARNING shop.orders loud"]


def test_nothing_is_told_of_a_body_that_logs_nothing_nor_of_what_is_logged_outside_of_one(stage: Stage) -> None:
    LOGGER.warning("before")
    assert stage.perform(lambda: None).log == ""
    LOGGER.warning("after")
    assert stage.perform(lambda: None).log == ""
    stage.tell_log()
    assert stage.told == []


def test_a_body_that_fails_tells_them_too(stage: Stage) -> None:
    def body() -> None:
        LOGGER.warning("so far")
        raise ValueError("no")

    run = stage.perform(body)
    assert run.how is How.FAILED
    assert said(run.log) == ["WARNING shop.orders so far"]


def test_they_are_told_while_it_runs_and_only_when_there_are_more(stage: Stage) -> None:
    def body() -> None:
        LOGGER.warning("one")
        stage.tell_log()
        stage.tell_log()
        LOGGER.warning("two")
        stage.tell_log()

    stage.perform(body)
    assert [(type(told), told.serial, len(said(told.lines))) for told in stage.told] == [(Logged, 0, 1), (Logged, 0, 2)]


def test_a_thread_that_knows_the_job_is_noted_and_one_that_does_not_is_not(stage: Stage) -> None:
    def body() -> None:
        context = copy_context()
        threads = [
            threading.Thread(target=context.run, args=(LOGGER.warning, "knows")),
            threading.Thread(target=LOGGER.warning, args=("does not",)),
        ]
        for thread in threads:
            thread.start()
            thread.join()

    assert said(stage.perform(body).log) == ["WARNING shop.orders knows"]


def test_the_last_lines_are_kept_and_it_is_said_that_there_were_others(stage: Stage, log_lines: Any) -> None:
    log_lines(3)

    def body() -> None:
        for number in range(1000):
            LOGGER.warning("line %d", number)

    first, *rest = said(stage.perform(body).log)
    assert first == "… lines before these are not kept …"
    assert rest == [f"WARNING shop.orders line {number}" for number in (997, 998, 999)]


def test_lines_of_a_traceback_count(stage: Stage, log_lines: Any) -> None:
    log_lines(2)

    def body() -> None:
        try:
            refuse("lost")
        except ValueError:
            LOGGER.exception("It was")

    assert said(stage.perform(body).log)[1:] == ["        raise ValueError(text)", "    ValueError: lost"]


def test_no_line_is_long_and_no_log_is_large(stage: Stage, log_lines: Any) -> None:
    log_lines(1000)

    def body() -> None:
        LOGGER.warning("x" * 10_000_000)
        for _ in range(100):
            LOGGER.warning("ü" * 1500)

    log = stage.perform(body).log
    assert 60_000 < len(log.encode()) < 66_000
    assert said(log)[0] == "… lines before these are not kept …"
    assert all(LINE.fullmatch(line) for line in log.split("\n")[1:])

    alone = stage.perform(lambda: LOGGER.warning("x" * 10_000_000)).log
    assert len(alone) < 2100
    assert alone.endswith("x…")


def test_none_are_noted_when_none_are_wanted(stage: Stage, log_lines: Any) -> None:
    log_lines(0)
    assert stage.perform(lambda: LOGGER.warning("loud")).log == ""


class Odd:
    """Cannot be told."""

    def __str__(self) -> str:
        raise KeyError("no text")


class Talks:
    """Logs when it is told."""

    def __str__(self) -> str:
        LOGGER.warning("while told")
        return "a talker"


class Text(str):
    """A text that is one of its own class whatever is done with it."""

    def __str__(self) -> Text:
        return self

    def __format__(self, spec: str) -> Text:
        return self


def test_what_cannot_be_told_harms_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def body() -> None:
        LOGGER.warning("%s", Odd())
        LOGGER.warning("%d", "no number")
        LOGGER.warning("%s", Talks())

    monkeypatch.setattr(LOGGER, "propagate", False)  # To handlers of pytest, which would tell it once more.
    monkeypatch.setattr(LOGGER, "handlers", [logging.NullHandler()])
    run = stage.perform(body)
    assert run.how is How.VALUE
    told = said(run.log)
    assert [line.partition("shop.orders ")[2] for line in told] == [
        "A record that could not be told: KeyError.",
        "A record that could not be told: TypeError.",
        "while told",
        "a talker",
    ]


def test_what_is_told_is_plain_text(stage: Stage) -> None:
    log = stage.perform(lambda: LOGGER.warning(Text("text"))).log
    assert type(log) is str
    assert said(log) == ["WARNING shop.orders text"]


def test_a_process_that_begins_again_and_again_notes_each_line_once(stage: Stage) -> None:
    for _ in range(sys.getrecursionlimit()):
        logbook.install()
    assert said(stage.perform(lambda: LOGGER.warning("once")).log) == ["WARNING shop.orders once"]


def test_hostile_messages_are_one_line_each(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # What pytest keeps of a log travels between its processes, and cannot have half a character in it.
    monkeypatch.setattr(LOGGER, "propagate", False)
    forged = "2026-11-24 12:00:00.000Z CRITICAL shop All is lost"

    def body() -> None:
        LOGGER.warning("a\n%s\r%s", forged, HOSTILE + "\x00\ud800")
        try:
            refuse(f"b\n{forged}\u2028{forged}")
        except ValueError:
            LOGGER.exception("c")

    log = stage.perform(body).log
    assert not (RAW | {"\x00"}) & set(log)
    log.encode()
    assert not [line for line in re.split(r"[\n\u2028]", log) if line.startswith(forged)]


@task(sensitive=("card",), max_attempts=1)
def _charge(card: str, token: dict[str, str]) -> None:
    LOGGER.warning("card %s", card)
    LOGGER.warning("%r and %s", token, "x" * 1990 + card)
    try:
        refuse(card)
    except ValueError:
        LOGGER.exception("%s was refused", card)


def test_secrets_are_kept_out_as_they_are_of_tracebacks(stage: Stage) -> None:
    log = stage.perform(_charge, "4929-1234-5678", {"api_key": "k-99-hidden"}).log
    assert "card ********" in log
    assert "******** was refused" in log
    for part in ("4929-1234-5678", "4929", "k-99-hidden"):
        assert part not in log
