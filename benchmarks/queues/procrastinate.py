"""procrastinate, with its Django integration."""

from __future__ import annotations

from typing import Any

from procrastinate.contrib.django import app

from .. import bodies

NAMES: dict[str, tuple[str, ...]] = {"noop": (), "bump": (), "stamp": ("sent",), "snooze": ("seconds",)}
TASKS = {name: app.task(name=f"bench.{name}")(bodies.BODIES[name]) for name in NAMES}


def enqueue(name: str, *args: Any) -> None:
    """Enqueue one job."""
    TASKS[name].defer(**dict(zip(NAMES[name], args, strict=True)))


def bulk(name: str, args: list[tuple[Any, ...]]) -> None:
    """Enqueue many jobs at once."""
    TASKS[name].batch_defer(*(dict(zip(NAMES[name], each, strict=True)) for each in args))
