"""Given settings on which no drill can be held, when it is asked for, then it says why and what to do, and stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.drill.drills import Drill

NO_DRILL = [
    (
        {"BACKEND": "django.tasks.backends.dummy.DummyBackend"},
        "is no JobQueueBackend. Known: default, plain",
    ),
    ({"OPTIONS": {"REDIS": "nowhere"}}, "which is not in CACHES"),
    ({"OPTIONS": {"REDIS": "silent"}}, "Redis (CACHES['silent']) does not answer"),
]


@pytest.mark.parametrize(("entry", "why"), NO_DRILL)
def test_settings_that_cannot_be_drilled(settings: Any, entry: dict[str, Any], why: str) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "silent": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"},
    }
    settings.TASKS = {**settings.TASKS, "odd": {"BACKEND": "jobqueue.backend.JobQueueBackend", **entry}}

    with pytest.raises(CommandError, match="The drill cannot be held") as error:
        call_command("drill", "--backend", "odd")

    assert why in str(error.value)
    assert error.value.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--lease", "0.5"], "from 1 to 3600"),
        (["--only", "fire"], "invalid choice"),
        (["--backend", "x"], "'x'"),
        (["--naive", "--only", "poison"], "the naive queue can be drilled with slow-job, "),
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], why: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("drill", *arguments)

    assert why in str(error.value)


@pytest.mark.parametrize(
    ("database", "why"),
    [
        ("memory", "is an SQLite database in memory, which workers cannot see"),
        ("unreachable", "could not create"),
    ],
)
def test_databases_that_cannot_be_drilled(drill: Callable[..., Drill], database: str, why: str) -> None:
    held = drill(env={"DJANGO_SETTINGS_MODULE": "tests.drill.odd_settings", "JOBQUEUE_ODD_DATABASE": database})

    assert held.wait() == 2
    assert "The drill c" in held.output
    assert why in held.output
    assert "Traceback" not in held.output
