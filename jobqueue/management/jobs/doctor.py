"""The verb doctor: what is wrong with the live set-up, what it means, and what to do."""

from __future__ import annotations

import argparse
from typing import Any

from ... import doctor
from ...conf import is_number
from ...doctor import Finding, Level
from .verbs import Answer, Verbs

_MARKS = {Level.OK: "ok", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"}


def add(verbs: Verbs) -> None:
    """Declare it."""
    text = "Look at the database, Redis, clocks, workers and jobs: what is wrong, and what to do."
    looking = verbs.add("doctor", text, _doctor)
    looking.add_argument(
        "--timeout",
        type=_seconds,
        default=doctor.examination.SECONDS,
        metavar="S",
        help="Seconds for each look (default: %(default)g).",
    )


def _doctor(options: dict[str, Any]) -> Answer:
    findings = list(doctor.examine(options["timeout"]))
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    worst = next(level for level in (Level.PROBLEM, Level.WARNING, Level.OK) if counts[level] or level is Level.OK)
    document = {
        "level": worst,
        "problems": counts[Level.PROBLEM],
        "warnings": counts[Level.WARNING],
        "findings": [finding.document() for finding in findings],
    }
    lines = [line for finding in findings for line in _lines(finding)]
    lines += ["", f"{_count(counts[Level.PROBLEM], 'problem')}, {_count(counts[Level.WARNING], 'warning')}."]
    return Answer(document, "\n".join(lines), well=not counts[Level.PROBLEM])


def _lines(finding: Finding) -> list[str]:
    more = [text for text in (finding.means, finding.do and f"→ {finding.do}") if text]
    return [f"{_MARKS[finding.level]:8} {finding.about:24} {finding.says}", *(f"{'':33} {text}" for text in more)]


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not is_number(seconds, least=0.1):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds, 0.1 or more")
    return seconds
