"""Makes log lines harmless: nothing in them forges a line or steers a terminal, and nothing in them is a job's secret.

Paths, names and the messages of exceptions are texts of strangers. A filter sees a record before every handler does.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from .secrets import Secrets
from .spelling import on_one_line, spelled

LOGGERS = ("jobqueue.worker", "jobqueue.leases", "django.tasks")


class HasSecrets(Protocol):
    """A job, of which some values are not to be logged."""

    @property
    def secrets(self) -> Secrets:
        """What no text for people may have in it."""


# Whose secrets are kept out of what is logged meanwhile.
about: ContextVar[HasSecrets | None] = ContextVar("jobqueue.about", default=None)


class Harmless(logging.Filter):
    """Rewrites records: the message is one line, and a traceback is told as traceback_text() tells it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Make a record harmless and let it pass."""
        said, job = record.getMessage(), about.get()
        secrets = job.secrets if job is not None else None
        harmless = on_one_line(secrets.out_of(said) if secrets else said)
        if harmless != said:
            record.msg, record.args = harmless, ()
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            self._tell(record, record.exc_info[1], secrets)
        return True

    def _tell(self, record: logging.LogRecord, error: BaseException, secrets: Secrets | None) -> None:
        whole = traceback_text(error)
        told = traceback_text(error, secrets.out_of) if secrets else whole
        record.exc_text = spelled(told)
        if told != whole:
            # Handlers that go by the exception itself would tell it all.
            record.exc_info = None


def traceback_text(error: BaseException, clean: Callable[[str], str] = str) -> str:
    """Return a traceback in which what an exception says cannot pass for a line of the log: its lines are indented."""
    text = clean("".join(traceback.format_exception(error)).rstrip("\n"))
    for message in _messages(error, clean):
        text = text.replace(message, message.replace("\n", "\n    "))
    return text


def _messages(error: BaseException, clean: Callable[[str], str]) -> list[str]:
    """Return what the exceptions of a chain say in more than one line, the longest first."""
    found, chain, seen = set[str](), [error], set[int]()
    for link in chain:
        if id(link) not in seen:
            seen.add(id(link))
            found.update(clean(text) for text in (_said(link), *map(str, getattr(link, "__notes__", ()))))
            inner = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
            chain += filter(None, (link.__cause__, link.__context__, *inner))
    return sorted((text for text in found if "\n" in text), key=len, reverse=True)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def install() -> None:
    """Have the lines of our loggers, and those that Django writes about tasks, made harmless; once is enough."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, Harmless) for each in logger.filters):
            logger.addFilter(Harmless())
