"""Names, paths and messages of strangers stand in log lines; none of them begins a line or steers a terminal."""

from __future__ import annotations

import io
import logging
import re
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.tasks.signals import task_finished

import jobqueue
from jobqueue import lifecycle
from jobqueue.conf import Options
from jobqueue.logs import LOGGERS, Harmless, install
from jobqueue.worker.keeper import Keeper
from tests.app.tasks import boom
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Stage
from tests.rows import claimed
from tests.security.hostile import RAW

FORGED = "2026-11-24 12:00:00 CRITICAL jobqueue.worker All is lost"
HOSTILE = f"w\n{FORGED}\r{FORGED}\x1b[2J\x9b31m\u202e\u2028{FORGED}\x00\x07\ud800"


@pytest.fixture
def lines() -> Generator[Any]:
    """Give `lines()`: what a plain handler has written, line by line as a file has them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)

    def lines() -> list[str]:
        text = stream.getvalue()
        assert not (RAW | set("\x00\x07")) & set(text)
        text.encode()
        return text.split("\n")

    yield lines
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def check(written: list[str], *, says: str) -> None:
    """Check that the lines say that, and that none begins as one of the log that is not."""
    assert says in "\n".join(written)
    assert not [line for line in written if line.startswith(FORGED)]


@pytest.mark.parametrize("name", LOGGERS)
def test_a_message_is_one_line(name: str, lines: Any) -> None:
    logging.getLogger(name).warning("Job %s was rescued from %s", uuid.uuid4(), HOSTILE)
    logging.getLogger(name).warning(HOSTILE)
    logging.getLogger(name).warning("100 %% of %s", "é 日本")
    written = lines()
    assert len(written) == 4
    check(written, says="\\u001b[2J")
    assert written[2].endswith("100 % of é 日本")


def test_a_traceback_is_told_with_its_lines_indented(lines: Any) -> None:
    error = ValueError(HOSTILE)
    error.add_note(HOSTILE)
    error.__cause__ = ExceptionGroup(HOSTILE, [KeyError(HOSTILE), LookupError(HOSTILE)])
    logging.getLogger("jobqueue.worker").error("It failed.", exc_info=error)
    written = lines()
    check(written, says="direct cause")
    assert f"    {FORGED}" in "\n".join(written)


class Unsayable(Exception):
    """An error that has no text."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_without_a_text_is_told_all_the_same(lines: Any) -> None:
    circle = Unsayable()
    circle.__context__ = ValueError("a\nb")
    circle.__context__.__context__ = circle
    logging.getLogger("jobqueue.worker").error("It failed.", exc_info=circle)
    check(lines(), says="Unsayable")


@pytest.mark.parametrize("listens", [False, True])
def test_a_body_that_fails_forges_nothing(stage: Stage, lines: Any, listens: bool) -> None:
    def receiver(**_: Any) -> None:
        """Be there: the line is then Django's own."""

    if listens:
        task_finished.connect(receiver)
    stage.listen()
    for _ in range(3):
        job = stage.enqueue(boom.using(), HOSTILE.replace("\x00", "").replace("\ud800", ""))
        claim = stage.claim(boom, job.id)._replace(failures=2)
        assert stage.run(claim).job.status == "FAILED"
    task_finished.disconnect(receiver)
    check(lines(), says="state=FAILED")


def test_the_name_of_a_dead_worker_forges_nothing(transactional_db: None, lines: Any) -> None:
    claimed(HOSTILE.replace("\x00", "").replace("\ud800", "")[:120])
    keeper = Keeper("default", "me", None, Options(lease_seconds=1.0), woken=lambda: None)
    for _ in range(50):
        keeper.tick()
        keeper._stood_since = {worker: (seen, 0.0) for worker, (seen, _) in keeper._stood_since.items()}
    assert lifecycle.held_tokens("me") == {}
    check(lines(), says="was rescued from worker")


def test_every_logger_of_the_package_is_made_harmless() -> None:
    root = Path(jobqueue.__file__).parent
    named = {name for file in root.rglob("*.py") for name in re.findall(r'getLogger\("([^"]+)"\)', file.read_text())}
    assert named
    assert named <= set(LOGGERS)
    install()
    for name in LOGGERS:
        assert [type(each) for each in logging.getLogger(name).filters].count(Harmless) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a\0b", "\udcff"])
def test_a_name_that_no_database_stores_is_refused_by_the_command(name: str) -> None:
    with pytest.raises(CommandError, match="--name must be a text that a database stores"):
        call_command("runworkers", name=name, reload=False)
