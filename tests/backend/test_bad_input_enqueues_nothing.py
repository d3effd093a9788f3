"""Bad input gets an error that says what to do, and nothing is enqueued."""

from __future__ import annotations

import math
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.tasks import task, task_backends
from django.tasks.exceptions import InvalidTask

from jobqueue.backend import JobQueueBackend
from jobqueue.errors import ArgumentsTooLarge, IdempotencyConflict, InvalidArguments, InvalidIdempotencyKey
from jobqueue.models import Job, LedgerEntry
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db

BACKEND = "jobqueue.backend.JobQueueBackend"


def body() -> None:
    """Do nothing."""


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", math.nan, math.inf, "\0", "\ud800", {("a",): 1}])
def test_arguments_must_be_json(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="primary key or a plain value"):
        echo.enqueue(value)
    assert not Job.objects.exists()


def test_arguments_have_a_limit() -> None:
    with pytest.raises(ArgumentsTooLarge, match="MAX_ARGUMENT_BYTES"):
        echo.enqueue("x" * 256 * 1024)
    assert not Job.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", 7])
def test_keys_must_be_texts_of_a_length(key: Any) -> None:
    with pytest.raises(InvalidTask):
        echo.using(idempotency_key=key).enqueue(1)
    assert not Job.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_a_bad_key_is_named_as_such() -> None:
    with pytest.raises(InvalidIdempotencyKey):
        echo.using(idempotency_key="")


def test_a_key_names_one_call() -> None:
    first = echo.using(idempotency_key="k").enqueue(1)
    assert echo.using(idempotency_key="k").enqueue(1).id == first.id
    with pytest.raises(IdempotencyConflict, match="other arguments"):
        echo.using(idempotency_key="k").enqueue(2)
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("option", "meant"), [("max_atempts", "max_attempts"), ("efects", "effects"), ("time_out", "timeout")]
)
def test_unknown_options_are_answered_with_a_suggestion(option: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"Did you mean '{meant}'"):
        task(**{option: 1})(body)
    with pytest.raises(TypeError, match="Did you mean 'priority'"):
        echo.using(priorty=1)


@pytest.mark.parametrize(
    "options",
    [
        {"effects": "atomc"},
        {"max_attempts": 0},
        {"max_attempts": 1.5},
        {"max_attempts": True},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": math.nan},
        {"timeout": "60"},
        {"backoff": 5},
    ],
)
def test_bad_options_are_refused_where_they_are_given(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask, match=next(iter(options))):
        task(**options)(body)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"LEASE_SECOND": 3}, "Did you mean 'LEASE_SECONDS'"),
        ({"LEASE_SECONDS": 0.5}, "1 or more"),
        ({"EFFECTS": "atomc"}, "atomic"),
        ({"REDIS": ""}, "CACHES"),
        ({"KEY_PREFIX": "a b"}, "KEY_PREFIX"),
    ],
)
def test_bad_settings_are_refused_by_name(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=says):
        JobQueueBackend("x", {"OPTIONS": options})


def test_a_redis_that_is_no_django_redis_is_an_error_of_check(settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.TASKS = {
        "default": {"BACKEND": BACKEND, "OPTIONS": {"REDIS": "missing"}},
        "other": {"BACKEND": BACKEND, "OPTIONS": {"REDIS": "local"}},
    }
    found = {message.id: message for message in checks.run_checks()}
    assert "'missing'" in found["jobqueue.E001"].msg
    assert "django_redis.cache.RedisCache" in str(found["jobqueue.E002"].hint)


def found_by_check() -> set[str | None]:
    return {message.id for message in task_backends["default"].check()}


def test_good_settings_pass() -> None:
    assert found_by_check() == set()


def test_times_that_are_not_in_utc_are_an_error(settings: Any) -> None:
    settings.USE_TZ = False
    assert found_by_check() == {"jobqueue.E003"}


@pytest.mark.parametrize(
    ("vendor", "option", "value", "message"),
    [
        ("sqlite", "transaction_mode", "DEFERRED", "jobqueue.W001"),
        ("postgresql", "isolation_level", 4, "jobqueue.W002"),
    ],
)
def test_a_database_that_makes_workers_fail_is_warned_of(
    vendor: str, option: str, value: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", vendor)
    monkeypatch.setitem(
        connections["default"].settings_dict, "OPTIONS", {"transaction_mode": "IMMEDIATE", option: value}
    )
    assert found_by_check() == {message}
