"""Whatever is read, from Redis, from a row or from a caller, is understood or refused in the way that is documented.

`make fuzz N=100000` looks at so many inputs of each kind; CI looks at the same few each time.
"""

from __future__ import annotations

import json
import math
import os
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobqueue.admin.calls import call_text
from jobqueue.admin.inert import as_json, inert
from jobqueue.errors import InvalidArguments, InvalidResult, InvalidRow
from jobqueue.fields import is_storable, storable
from jobqueue.leases import answers
from jobqueue.leases.keys import parse_holder
from jobqueue.payload import call_of, dump_arguments, dump_result, load_arguments
from jobqueue.redaction import SUBSTITUTE, shown
from jobqueue.result_types import JobError
from jobqueue.secrets import Secrets
from jobqueue.spelling import on_one_line, spelled
from jobqueue.strict import MAX_DEPTH, NotStrict, Unreadable, read, read_or_tell
from tests.security.hostile import RAW
from tests.security.tasks import charge, take

FUZZ = os.environ.get("FUZZ")
settings.register_profile("jobqueue", max_examples=int(FUZZ or 60), deadline=None, derandomize=not FUZZ, database=None)
profile = settings.get_profile("jobqueue")
LIMIT = 256 * 1024

# Also NUL, halves of surrogate pairs, and whatever else Unicode has.
TEXTS = st.text(st.characters(categories=None), max_size=30) | st.sampled_from(
    ["\0", "\ud800", "\u202e", "\\u0000", '"']
)
NUMBERS = st.integers() | st.floats() | st.integers(min_value=10**300, max_value=10**4200) | st.booleans()
JSON = st.recursive(
    st.none() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
# What a caller may hand in: that, and what is no JSON.
ANYTHING = st.recursive(
    st.none() | NUMBERS | TEXTS | st.sampled_from([b"x", 1j, object()]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.sets(st.integers())
        | st.dictionaries(TEXTS | st.integers() | st.none() | st.tuples(st.integers()), inner, max_size=4)
    ),
)
# What a Redis client hands out.
ANSWERS = st.recursive(
    st.none() | st.integers() | st.floats() | st.binary(max_size=80) | st.text(max_size=20) | st.booleans(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=10,
)
# JSON, and what is almost.
ALMOST = JSON.map(json.dumps).flatmap(
    lambda text: (
        st.just(text)
        | st.integers(0, len(text)).map(lambda at: text[:at])
        | st.tuples(st.integers(0, len(text)), TEXTS).map(lambda cut: text[: cut[0]] + cut[1] + text[cut[0] :])
    )
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def is_ours(value: Any) -> bool:
    """Return whether a value is what jobqueue stores: by a way of its own, slow and plain."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_ours(key) and is_ours(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_ours, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 10**4300)


@profile
@given(st.binary(max_size=400))
def test_holders_in_redis(value: bytes) -> None:
    found = parse_holder(value)
    if found is not None:
        assert 0 <= found.attempt < 10**10
        assert 0 < len(found.worker_id) <= 128
        assert "\0" not in found.worker_id


@profile
@given(ANSWERS, st.integers(0, 4))
def test_answers_of_redis(answer: Any, asked: int) -> None:
    ways = (
        answers.numbers,
        lambda said: answers.refusals(said, asked),
        lambda said: answers.renewals(said, asked),
        lambda said: answers.flags(said, asked),
        lambda said: answers.count(said, asked),
        lambda said: answers.views(said, asked),
        lambda said: answers.hint(said, {b"a": "a"}),
    )
    for way in ways:
        try:
            found = way(answer)
        except answers.Unintelligible as error:
            said = str(error)
            assert len(said) < 1000
        else:
            assert found is None or isinstance(found, list | dict | int | str)


@profile
@given(ALMOST | st.text() | st.binary() | st.none() | st.integers())
def test_texts_of_rows(text: Any) -> None:
    found = read_or_tell(text)
    if isinstance(found, Unreadable):
        assert found.why
        assert len(found.beginning) <= 200
        with pytest.raises(NotStrict):
            read(text)
    else:
        assert is_ours(found)
        assert depth(found) <= MAX_DEPTH + 1
        assert json.loads(text) == found
    for show in (as_json, lambda value: as_json(shown(value))):
        assert not RAW & set(show(found))


@profile
@given(ALMOST | JSON.map(lambda value: json.dumps({"args": value, "kwargs": {}})))
def test_arguments_of_rows(text: str) -> None:
    try:
        args, kwargs = load_arguments(text, "x")
    except InvalidRow as error:
        why = str(error)
        assert "job x" in why
        assert len(why) < 1000
    else:
        assert (type(args), type(kwargs)) == (list, dict)
        assert call_of(json.loads(text), "x") == (args, kwargs)


@profile
@given(st.lists(ANYTHING, max_size=3), st.dictionaries(TEXTS, ANYTHING, max_size=3))
def test_arguments_of_callers(args: list[Any], kwargs: dict[str, Any]) -> None:
    try:
        text = dump_arguments(args, kwargs, limit=LIMIT)
    except InvalidArguments as error:
        why = str(error)
        assert "Nothing was enqueued." in why
    else:
        assert len(text.encode()) <= LIMIT
        again = load_arguments(text, "x")
        assert is_ours([*again])
        # What was read once comes out the same for ever.
        assert load_arguments(dump_arguments(*again, limit=LIMIT), "x") == again


@profile
@given(st.lists(JSON.filter(is_ours), max_size=3), st.dictionaries(TEXTS.filter(is_storable), JSON.filter(is_ours)))
def test_what_is_json_arrives_as_it_was_sent(args: list[Any], kwargs: dict[str, Any]) -> None:
    if max(depth(args), depth(kwargs)) < MAX_DEPTH:
        assert load_arguments(dump_arguments(args, kwargs, limit=10**7), "x") == (args, kwargs)


@profile
@given(ANYTHING)
def test_results_of_bodies(value: Any) -> None:
    try:
        text = dump_result(value, limit=LIMIT)
    except InvalidResult as error:
        why = str(error)
        assert "Return None, a plain value" in why or "MAX_RESULT_BYTES" in why
    else:
        assert text is None or (type(text) is str and is_ours(read(text)))


@profile
@given(TEXTS)
def test_texts_that_are_shown(text: str) -> None:
    for told in (spelled(text), on_one_line(text), inert(text), storable(text)):
        told.encode()
    assert not (RAW | set("\0")) & set(spelled(text))
    assert "\n" not in on_one_line(text)
    assert "\t" not in on_one_line(text)
    assert is_storable(storable(text))


@profile
@given(ALMOST, st.integers(0, 200))
def test_calls_that_are_cut_off(text: str, length: int) -> None:
    for task in (take, charge, None):
        told = call_text(task, text[:length])
        assert told.startswith("(")


@profile
@given(st.text(st.characters(codec="utf-8", exclude_characters="*\0"), min_size=4), st.lists(st.booleans(), max_size=4))
def test_a_secret_is_found_however_often_it_is_quoted(secret: str, ways: list[bool]) -> None:
    task: Any = charge
    secrets = Secrets(task, lambda: ([7, secret], {}))
    text = secret
    for is_repr in ways:
        text = repr(text) if is_repr else json.dumps(text)
    cleaned = secrets.out_of(f" {text} ")
    kept = text.strip("\"'\\")
    assert kept not in cleaned or not kept.strip()
    assert SUBSTITUTE in cleaned


@profile
@given(TEXTS | st.text(st.sampled_from("abjosue.<>_ \u202e"), max_size=30))
def test_paths_of_classes(path: str) -> None:
    try:
        found = JobError(exception_class_path=path, traceback="").exception_class
    except (ImportError, ValueError):
        return
    assert issubclass(found, BaseException)


TRYING = {
    "levels": "[" * 8_000_000,
    "levels that end": "[" * 4_000_000 + "]" * 4_000_000,
    "objects": '{"a":' * 1_000_000,
    "escapes": '"' + "\\u0000" * 1_000_000 + '"',
    "one number": "9" * 8_000_000,
    "numbers": "[" + "1e5," * 1_000_000 + "1]",
    "spaces": " " * 8_000_000,
    "backslashes": '"' + "\\\\" * 4_000_000 + '"',
    "names": "{" + ",".join(f'"{number}":0' for number in range(200_000)) + "}",
}


@pytest.mark.parametrize("trying", TRYING)
def test_whatever_is_read_takes_a_moment(trying: str) -> None:
    text, task = TRYING[trying], charge
    began = time.process_time()
    found = read_or_tell(text)
    inert(text)
    call_text(task, text[:120])
    Secrets(task, lambda: ([7, "\\\\\"\\secret\\ 'word\n"], {})).out_of(text)
    if isinstance(found, Unreadable):
        assert len(found.why) < 1000
    assert time.process_time() - began < 10
