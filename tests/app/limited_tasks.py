"""Tasks with limits. Those that hold write down when they begin and end, so that how many ran at once can be seen."""

from __future__ import annotations

import time
from typing import Any

from django.tasks import task

from tests.app.record import note, wait_at_gate


@task(concurrency=1)
def alone(value: Any = None) -> Any:
    """Run alone."""
    return value


@task(concurrency={"key": "printer", "limit": 2})
def paint(value: Any = None) -> Any:
    """Share two slots with others."""
    return value


@task(concurrency={"key": "printer", "limit": 3})
def draw(value: Any = None) -> Any:
    """Share them, and say that they were three."""
    return value


def customer_key(customer: Any, *_: Any, **__: Any) -> str:
    """Name a customer, who has to be given as a text."""
    return customer.lower()


@task(concurrency={"key": customer_key, "limit": 1})
def serve(customer: Any, *_: Any, **__: Any) -> Any:
    """Run once at a time for each customer."""
    return customer


@task(rate="100/m")
def call_slowly(value: Any = None) -> Any:
    """Begin every 0.6 seconds."""
    return value


@task(rate="1/h")
def call_hourly(value: Any = None) -> Any:
    """Begin once an hour."""
    return value


@task(rate="8/s")
def call(value: Any = None) -> Any:
    """Begin eight times a second: two may begin together."""
    return value


@task(concurrency={"key": "limit", "limit": 2})
def count_in(file: str, seconds: float) -> None:
    """Say that it runs, for so long."""
    note(file, "begin")
    time.sleep(seconds)
    note(file, "end")


@task(concurrency=1)
def hold_alone(counter_id: int, file: str, seconds: float = 120.0) -> None:
    """Run alone until it is let go."""
    note(file, "start")
    wait_at_gate(file, seconds)
    note(file, "end")


@task(rate="5/s")
def tick(file: str) -> None:
    """Say that it began; five times a second."""
    note(file, "begin")
