"""What workers say that no fault accounts for: an error that they did not foresee."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# A worker's threads foresee databases and servers that are away; whatever else they meet is logged like this.
_UNFORESEEN = "failed; trying again."
_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
_ERROR = re.compile(r"[\w.]+(: .*)?")
# A point was told to raise it.
_ASKED_FOR = "jobqueue.mishaps.Mishap"


def last_words(log: Path, code: int) -> str:
    """Return why a worker ended that was not told to and not killed, "" when that was to be expected."""
    lines = reversed(log.read_text(errors="replace").splitlines())
    # What a driver says may go on for some lines.
    said = next((line for line in lines if line.strip() and not line[0].isspace()), "")
    # One that finds no database when it starts says so and ends: whoever started it may try again.
    expected = code <= 0 or said.startswith((_ASKED_FOR, "django.db.utils.", "CommandError: The database"))
    return "" if expected else f"{log.name} ended with {code}: {said}"


def complaints(logs: Iterable[Path]) -> list[str]:
    """Return the errors that were not foreseen, each with the log that has it."""
    return [
        f"{log.name}: {error}" for log in logs for error in unforeseen(log.read_text(errors="replace").splitlines())
    ]


def unforeseen(lines: Iterable[str]) -> Iterator[str]:
    """Yield the last line of each traceback that belongs to such an error."""
    who, error = "", ""
    for line in [*lines, "0000-00-00 00:00:00,000 "]:
        if _LINE.match(line):
            if who and not error.startswith(_ASKED_FOR):
                yield f"{who} {error}"
            who, error = (line.rpartition(": ")[2], "") if line.endswith(_UNFORESEEN) else ("", "")
        elif who and _ERROR.fullmatch(line):
            error = line
