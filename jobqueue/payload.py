"""JSON in and out: the only form in which arguments and results are stored. Bounded, and never anything but JSON."""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Callable
from typing import Any

from .errors import ArgumentsTooLarge, InvalidArguments, InvalidResult, InvalidRow, ResultTooLarge
from .sentences import Sentence, said
from .strict import MAX_DEPTH, NotStrict, Unreadable, is_deeper, read, texts


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
        raise _NotStorable(Sentence("it is nested too deeply or contains itself")) from None
    except UnicodeEncodeError:
        raise _NotStorable(Sentence("a text in it has half a surrogate pair, which is not valid Unicode")) from None
    except (TypeError, ValueError) as error:
        raise _NotStorable(str(error)) from None
    if "\\u0000" in text and "\0" in texts(value):
        raise _NotStorable(Sentence("a text in it has a NUL character, which databases cannot store"))
    if is_deeper(value, text, MAX_DEPTH):
        raise _NotStorable(Sentence("it is nested more than %(levels)s levels deep", levels=MAX_DEPTH))
    return text


def _size(text: str) -> int:
    """Return how many bytes a text is in UTF-8; raises UnicodeEncodeError when it is no Unicode."""
    return len(text) if text.isascii() else len(text.encode())


def dump_arguments(args: Any, kwargs: dict[str, Any], *, limit: int) -> str:
    """Return the arguments of a call as JSON of at most ``limit`` bytes.

    Raises InvalidArguments or ArgumentsTooLarge, saying what to do.
    """
    try:
        text = _dumps({"args": list(args), "kwargs": kwargs})
    except _NotStorable as why:
        odd = Sentence(
            "The arguments of a job must be JSON: %(why)s. Pass a primary key or a plain value.", why=said(why)
        )
        raise InvalidArguments(_refused(odd)) from None
    if (size := _size(text)) > limit:
        sizes = {"size": f"{size:,}", "limit": f"{limit:,}"}
        large = Sentence(
            "The arguments are %(size)s bytes as JSON and the limit is %(limit)s: store the data and pass its key, "
            'or raise OPTIONS["MAX_ARGUMENT_BYTES"].',
            **sizes,
        )
        raise ArgumentsTooLarge(_refused(large))
    return text


def _refused(why: Sentence) -> Sentence:
    return Sentence("%(why)s Nothing was enqueued.", why=why)


def why_refused(error: InvalidArguments) -> str:
    """Return what is wrong with arguments that nobody meant to enqueue."""
    text = said(error)
    return text.values["why"] if isinstance(text, Sentence) else text


def dump_result(value: Any, *, limit: int, who: str = "The task returned") -> str | None:
    """Return a task's value as JSON of at most ``limit`` bytes, None as None; ``who`` begins what an error says.

    Raises InvalidResult or ResultTooLarge, saying what to do.
    """
    if value is None:
        return None
    try:
        text = _dumps(value)
    except _NotStorable as why:
        raise InvalidResult(
            f"{who} {type(value).__qualname__}, which cannot be stored as JSON: {why}. "
            "Return None, a plain value, or the primary key of what you stored."
        ) from None
    if (size := _size(text)) > limit:
        raise ResultTooLarge(
            f"{who} {size:,} bytes as JSON and the limit is {limit:,}: store the data and return its key, "
            'or raise OPTIONS["MAX_RESULT_BYTES"].'
        )
    return text


def load_arguments(text: object, whose: object) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that the row of a job holds, given as JSON; raises InvalidRow, which names the job."""
    try:
        return call_of(read(text), whose)
    except NotStrict as why:
        raise InvalidRow(_not_ours(whose, str(why))) from None


def call_of(value: Any, whose: object) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments in a value that was read from a row; raises InvalidRow, which names the job."""
    if isinstance(value, Unreadable):
        raise InvalidRow(_not_ours(whose, value.why))
    if isinstance(value, dict) and len(value) == 2:
        args, kwargs = value.get("args"), value.get("kwargs")
        if isinstance(args, list) and isinstance(kwargs, dict):
            return args, kwargs
    raise InvalidRow(_not_ours(whose, 'it is not {"args": […], "kwargs": {…}}'))


def _not_ours(whose: object, why: str) -> str:
    return (
        f"The arguments in the row of job {whose} were not written by jobqueue: {why}. "
        "Enqueue the job anew, and find out who writes to the table."
    )


def fingerprint(task_path: str, arguments: str) -> str:
    """Return what two calls share when they are the same call: a SHA-256 over the task and its sorted arguments."""
    return key_fingerprint(task_path, json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":")))


def key_fingerprint(task_path: str, key: str) -> str:
    """Return a SHA-256 over the task and a text that is the same for calls that are the same."""
    return hashlib.sha256(f"{task_path}\n{key}".encode(errors="surrogatepass")).hexdigest()
