"""What may be an argument or a result: JSON and nothing else, bounded, the same on every database."""

import datetime
import decimal
import enum
import json
import uuid

import pytest

from jobqueue.errors import ArgumentsTooLarge, InvalidArguments, InvalidResult, ResultTooLarge
from jobqueue.payload import MAX_DEPTH, dump_arguments, dump_result, fingerprint

LIMIT = 1000


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def circle():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -1, 1.5, 10**30, "", "text", "ünïcödé 🦉", "a\\u0000b", [], {}, [1, [2]], {"a": {"b": [None]}}
    ],
)  # fmt: skip
def test_json_comes_back_as_it_was(value):
    assert json.loads(dump_arguments([value], {"key": value}, limit=LIMIT)) == {
        "args": [value],
        "kwargs": {"key": value},
    }
    text = dump_result(value, limit=LIMIT)
    assert (None if text is None else json.loads(text)) == value


def test_none_is_no_result():
    assert dump_result(None, limit=LIMIT) is None


def test_tuples_are_lists_as_in_json():
    assert json.loads(dump_arguments((1, (2, 3)), {}, limit=LIMIT))["args"] == [1, [2, 3]]


NOT_JSON = {
    "bytes": (b"text", "bytes"),
    "an object": (object(), "object"),
    "a set": ({1}, "set"),
    "a datetime": (datetime.datetime(2026, 1, 1), "datetime"),
    "a decimal": (decimal.Decimal("1.5"), "Decimal"),
    "a UUID": (uuid.UUID(int=1), "UUID"),
    "a key that is a tuple": ({(1, 2): 3}, "tuple"),
    "NaN": (float("nan"), "nan"),
    "Infinity": (float("inf"), "inf"),
    "-Infinity, deep inside": ({"a": [float("-inf")]}, "-inf"),
    "NaN as a key": ({float("nan"): 1}, "nan"),
    "NUL": ("a\0b", "NUL"),
    "NUL in a key": ({"a\0": 1}, "NUL"),
    "half a surrogate pair": ("\ud83d", "surrogate"),
    "half a surrogate pair in a key": ({"\udc00": 1}, "surrogate"),
    "a circle": (circle(), "ircular reference|contains itself"),
    "too deep": (nested(MAX_DEPTH + 1), "nested more than 30 levels"),
    "far too deep": (nested(100_000), "nested"),
    "a number of a million digits": (1 << 4_000_000, "digits"),
}


@pytest.mark.parametrize(("value", "why"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused_and_the_reason_told(value, why):
    with pytest.raises(InvalidArguments, match=why) as arguments:
        dump_arguments([value], {}, limit=10**9)
    assert str(arguments.value).endswith("Nothing was enqueued.")
    with pytest.raises(InvalidArguments, match=why):
        dump_arguments([], {"key": value}, limit=10**9)
    with pytest.raises(InvalidResult, match=why) as result:
        dump_result(value, limit=10**9)
    assert type(value).__qualname__ in str(result.value)


def test_as_deep_as_allowed_is_allowed():
    assert dump_result(nested(MAX_DEPTH), limit=LIMIT)
    assert dump_arguments(nested(MAX_DEPTH - 1), {}, limit=LIMIT)


def test_many_brackets_side_by_side_are_not_deep():
    assert dump_result([[] for _ in range(200)], limit=LIMIT)


class Colour(enum.StrEnum):
    RED = "red"


def test_what_counts_is_the_json_and_not_the_class():
    assert dump_result({"colour": Colour.RED}, limit=LIMIT) == '{"colour":"red"}'


def test_the_limit_counts_bytes_and_not_characters():
    """20 characters of 4 bytes each, in quotes and brackets."""
    assert dump_result("🦉" * 20, limit=82)
    with pytest.raises(ResultTooLarge, match=r"82 bytes as JSON and the limit is 81: .* MAX_RESULT_BYTES|82 bytes"):
        dump_result("🦉" * 20, limit=81)
    size = len('{"args":["🦉"],"kwargs":{}}'.encode())
    assert dump_arguments(["🦉"], {}, limit=size)
    with pytest.raises(ArgumentsTooLarge, match=r"pass its key.* Nothing was enqueued"):
        dump_arguments(["🦉"], {}, limit=size - 1)


def test_a_fingerprint_is_of_the_call_and_not_of_its_spelling():
    assert fingerprint("app.f", '{"args":[],"kwargs":{"a":1,"b":2}}') == fingerprint(
        "app.f", '{"kwargs": {"b": 2, "a": 1}, "args": []}'
    )


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("app.g", '{"args":[1],"kwargs":{}}'),
        ("app.f", '{"args":[2],"kwargs":{}}'),
        ("app.f", '{"args":["1"],"kwargs":{}}'),
        ("app.f", '{"args":[true],"kwargs":{}}'),
        ("app.f", '{"args":[],"kwargs":{"n":1}}'),
        ("app.f", '{"args":[1,1],"kwargs":{}}'),
    ],
)
def test_other_calls_have_other_fingerprints(path, arguments):
    assert fingerprint(path, arguments) != fingerprint("app.f", '{"args":[1],"kwargs":{}}')
