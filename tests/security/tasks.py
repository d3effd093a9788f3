"""Tasks whose arguments nobody is to see."""

from __future__ import annotations

from typing import Any

from django.tasks import task


@task
def take(*args: Any, **kwargs: Any) -> Any:
    """Return what it was given."""
    return [list(args), kwargs]


@task(sensitive=("card",), max_attempts=1)
def charge(order: Any, card: Any, note: str = "", *, password: str = "", options: Any = None) -> Any:
    """Do with its arguments as the test says."""
    return DEEDS[-1](order, card, note, password, options)


DEEDS: list[Any] = []
