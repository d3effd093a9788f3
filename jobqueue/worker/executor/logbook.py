"""What the body of a job logs: its last lines, for the record of its attempt.

Records are noted where they are made, and so whatever handlers there are, and whether or not a logger propagates; only
those are made that the level of their logger lets through. Whose a record is, is told by the current job of whoever
logs: it is right also where many bodies run at once, in threads and on a loop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from ...current import running
from ...errors import JobQueueError
from ...logs import traceback_text
from ...secrets import Secrets
from ...spelling import on_one_line, spelled

# Characters of a message, and of a traceback.
_LONGEST = 2000
_LONGEST_TRACEBACK = 8000
_MOST_BYTES = 64 * 1024
_TELL_SECONDS = 1.0
_LEFT_OUT = "… lines before these are not kept …"


class _Entry(NamedTuple):
    head: str
    message: str
    traceback: str


class Logbook:
    """The last records of one job. What is sensitive is taken out of them when they are read, which may never be."""

    def __init__(self, most: int, secrets: Secrets) -> None:
        self.count = self.told = 0
        self._entries = deque[_Entry](maxlen=most)
        self._most = most
        self._secrets = secrets

    def note(self, record: logging.LogRecord) -> None:
        """Take a record; one that cannot be told is told as such, for a body is not to fail by what it logs."""
        # No lock, for a body may be interrupted anywhere.
        self._entries.append(self._entry(record))
        self.count += 1

    def _entry(self, record: logging.LogRecord) -> _Entry:
        head = trace = ""
        try:
            at = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
            head = f"{at.isoformat(' ', 'milliseconds')}Z {record.levelname} {record.name}"
            message = self._cut(str(record.getMessage()), _LONGEST)
            if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
                trace = self._cut(traceback_text(record.exc_info[1]), _LONGEST_TRACEBACK, end=True)
        except JobQueueError:
            raise  # The body is interrupted, and it happens to be here.
        except Exception as trouble:
            message = f"A record that could not be told: {type(trouble).__name__}."
        return _Entry(head, message, trace)

    def _cut(self, text: str, most: int, *, end: bool = False) -> str:
        if len(text) <= most:
            return text
        # First without secrets: half of one would not be known for what it is.
        text = self._secrets.out_of(text)
        if len(text) <= most:
            return text
        return f"…{text[-most:]}" if end else f"{text[:most]}…"

    def text(self) -> str:
        """Return the last lines, as many as are kept, without what is sensitive; '' when nothing was logged."""
        entries = list(self._entries)
        lines = [line for entry in entries for line in self._lines(entry)]
        kept = "\n".join(lines[-self._most :]).encode(errors="replace")
        cut = kept[-_MOST_BYTES:]
        if len(cut) < len(kept):
            cut = cut.partition(b"\n")[2]
        # A text of a class of the body's would have the worker import that.
        text = cut.decode(errors="ignore")
        is_whole = len(entries) == self.count and len(lines) <= self._most and len(cut) == len(kept)
        return text if is_whole else f"{_LEFT_OUT}\n{text}"

    def _lines(self, entry: _Entry) -> Iterable[str]:
        message, trace = (self._secrets.out_of(text) if text else "" for text in (entry.message, entry.traceback))
        yield on_one_line(f"{entry.head} {message}")
        for line in spelled(trace).splitlines():
            yield f"    {line}"


def install() -> None:
    """Have every record from now on noted by the job whose body makes it; for a process that runs jobs."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Noting):
        logging.setLogRecordFactory(_Noting(make))


class _Noting:
    """Makes records as somebody else does, and has them noted."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **kwargs)
        book: Logbook | None = getattr(running.get(), "logbook", None)
        # What is made of a record that came from elsewhere has no name yet.
        if book is not None and record.name:
            book.note(record)
        return record


class Tells(Protocol):
    """Whoever runs jobs."""

    def tell_log(self) -> None:
        """Tell the worker what the job that is under way has logged."""


class Teller(threading.Thread):
    """Tells the worker once a second what has been logged since, so that something is known of a process that dies."""

    def __init__(self, performers: Sequence[Tells]) -> None:
        super().__init__(name="jobqueue-teller", daemon=True)
        self._performers = performers

    def run(self) -> None:
        """Go on for as long as the process does."""
        while True:
            time.sleep(_TELL_SECONDS)
            for performer in self._performers:
                performer.tell_log()
