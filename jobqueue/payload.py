"""JSON in and out: the only form in which arguments and results are stored. Bounded, and never anything but JSON."""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Callable
from typing import Any

from .errors import ArgumentsTooLarge, InvalidArguments, InvalidResult, ResultTooLarge

# MariaDB takes 31 levels, and what the ledger keeps of a job wraps its arguments and its result in one more. One limit
# for every database, so that what works in development works in production.
MAX_DEPTH = 30


def _encoder() -> Callable[[Any], str]:
    plain = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # JSONEncoder makes one of these for each value, which takes longer than to encode what jobs are mostly given.
    # Without `markers`, the None, a value that contains itself is a RecursionError.
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    encode = make(None, plain.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(encode(value, 0))


_encode = _encoder()


class _NotStorable(ValueError):
    """Why a value cannot be stored."""


def _dumps(value: Any) -> str:
    try:
        text = _encode(value)
        _size(text)
    except RecursionError:
        raise _NotStorable("it is nested too deeply or contains itself") from None
    except UnicodeEncodeError:
        raise _NotStorable("a text in it has half a surrogate pair, which is not valid Unicode") from None
    except (TypeError, ValueError) as error:
        raise _NotStorable(str(error)) from None
    if "\\u0000" in text and "\0" in _texts(value):
        raise _NotStorable("a text in it has a NUL character, which databases cannot store")
    # Counting brackets is cheap, and mostly enough to know.
    if len(text) > 2 * MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise _NotStorable(f"it is nested more than {MAX_DEPTH} levels deep")
    return text


def _size(text: str) -> int:
    """Return how many bytes a text is in UTF-8; raises UnicodeEncodeError when it is no Unicode."""
    return len(text) if text.isascii() else len(text.encode())


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False


def _texts(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(_texts(key) + _texts(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return "".join(map(_texts, value))
    return ""


def dump_arguments(args: Any, kwargs: dict[str, Any], *, limit: int) -> str:
    """Return the arguments of a call as JSON of at most ``limit`` bytes.

    Raises InvalidArguments or ArgumentsTooLarge, saying what to do.
    """
    try:
        text = _dumps({"args": list(args), "kwargs": kwargs})
    except _NotStorable as why:
        raise InvalidArguments(
            f"The arguments of a job must be JSON: {why}. Pass a primary key or a plain value. Nothing was enqueued."
        ) from None
    if (size := _size(text)) > limit:
        raise ArgumentsTooLarge(
            f"The arguments are {size:,} bytes as JSON and the limit is {limit:,}: store the data and pass its key, "
            'or raise OPTIONS["MAX_ARGUMENT_BYTES"]. Nothing was enqueued.'
        )
    return text


def dump_result(value: Any, *, limit: int) -> str | None:
    """Return a task's value as JSON of at most ``limit`` bytes, None as None.

    Raises InvalidResult or ResultTooLarge, saying what to do.
    """
    if value is None:
        return None
    try:
        text = _dumps(value)
    except _NotStorable as why:
        raise InvalidResult(
            f"The task returned {type(value).__qualname__}, which cannot be stored as JSON: {why}. "
            "Return None, a plain value, or the primary key of what you stored."
        ) from None
    if (size := _size(text)) > limit:
        raise ResultTooLarge(
            f"The task returned {size:,} bytes as JSON and the limit is {limit:,}: store the data and return its key, "
            'or raise OPTIONS["MAX_RESULT_BYTES"].'
        )
    return text


def fingerprint(task_path: str, arguments: str) -> str:
    """Return what two calls share when they are the same call: a SHA-256 over the task and its sorted arguments."""
    canonical = json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{task_path}\n{canonical}".encode()).hexdigest()
