"""Strict JSON in: what a row holds is read only as far as jobqueue itself could have written it. Knows no table.

Whoever may write to the tables may put anything there. A value that is huge, nested without end, no JSON, or holds what
not every database stores, is answered with Unreadable, for whoever asked to deal with: one bad value must not take a
page or a worker with it.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple, NoReturn

from .sentences import Sentence, said

# MariaDB takes 31 levels, and what the ledger keeps of a job wraps its arguments and its result in one more. One limit
# for every database, so that what works in development works in production.
MAX_DEPTH = 30
# Far above the limits of what is written: a database may store numbers at greater length, and limits may be lowered.
MOST_CHARACTERS = 16 * 1024 * 1024
_BEGINNING = 200


class NotStrict(ValueError):
    """Why a text is not read; completes a sentence that begins with what it is."""


class Unreadable(NamedTuple):
    """Stands for a value of a row that is not read: why, and how it begins."""

    why: str
    beginning: str


def read(text: object, *, most: int = MOST_CHARACTERS) -> Any:
    """Return the value of a JSON text of at most ``most`` characters; raises NotStrict."""
    if not isinstance(text, str):
        raise NotStrict(Sentence("it is %(type)s, not text", type=type(text).__name__))
    if len(text) > most:
        sizes = {"count": f"{len(text):,}", "most": f"{most:,}"}
        raise NotStrict(Sentence("it has %(count)s characters, and no more than %(most)s are read", **sizes))
    try:
        value = _decoded(text)
    except RecursionError:
        raise NotStrict(Sentence("it is nested too deeply")) from None
    except ValueError as error:
        raise NotStrict(Sentence("it is no JSON: %(error)s", error=error)) from None
    if is_deeper(value, text, MAX_DEPTH + 1):
        raise NotStrict(Sentence("it is nested more than %(levels)s levels deep", levels=MAX_DEPTH + 1))
    # Whatever is neither a NUL nor half a pair stands in the text as it is, but for control characters.
    if "\\u" in text:
        _refuse_odd(texts(value))
    return value


def read_or_tell(text: object) -> Any:
    """Return the value of a JSON text, or Unreadable with the reason."""
    try:
        return read(text)
    except NotStrict as why:
        return Unreadable(said(why), str(text)[:_BEGINNING])


def is_deeper(value: Any, text: str, levels: int) -> bool:
    """Return whether a value, whose JSON the text is, has more levels of lists and objects than that."""
    # Counting brackets is cheap, and mostly enough to know.
    return len(text) > 2 * levels and text.count("[") + text.count("{") > levels and levels_beyond(value, levels)


def texts(value: Any) -> str:
    """Return every text in a value, keys included, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(texts(key) + texts(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return "".join(map(texts, value))
    return ""


def levels_beyond(value: Any, levels: int) -> bool:
    """Return whether a value has more levels of lists and objects than that; looks at all of it."""
    if isinstance(value, dict):
        return levels == 0 or any(levels_beyond(item, levels - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return levels == 0 or any(levels_beyond(item, levels - 1) for item in value)
    return False


def _refuse_odd(text: str) -> None:
    if "\0" in text:
        raise NotStrict(Sentence("a text in it has a NUL character"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotStrict(Sentence("a text in it has half a surrogate pair")) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number in it is too large")
    return number


def _decoded(text: str) -> Any:
    """Return what the decoder does: it looks for whitespace with a regex, which takes as long as most values."""
    plain = text.strip(" \t\n\r")
    value, end = _DECODER.raw_decode(plain)
    return value if end == len(plain) else _DECODER.decode(plain)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
