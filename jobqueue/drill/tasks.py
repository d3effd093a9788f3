"""The jobs of the drill: slow, and each would make its counter wrong if it happened twice.

They are written as any task of a project would be. There is nothing in them about leases, locks or being run again; but
some get into trouble (``troubles.py``) in the middle of what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.tasks import task

from jobqueue import once

from . import record
from .models import Counter
from .troubles import befall, hold_the_gil


def _soon(_error: BaseException, _result: Any) -> float:
    return 0.1


# The stubs of django.tasks do not know that a backend may have options of its own.
@task(effects="atomic", backoff=_soon)  # type: ignore[call-overload,untyped-decorator]
def count(counter: str, seconds: float, trouble: str = "") -> None:
    """Work, then add 1. What is written is committed together with the end of the job, or not at all."""
    record.note("start", counter)
    work_and_add_one(counter, seconds, trouble)


@task(effects="steps", backoff=_soon)  # type: ignore[call-overload,untyped-decorator]
def count_in_steps(counter: str, seconds: float, trouble: str = "") -> None:
    """Add 1, work, and add 1 again. A second run does not repeat a step that was done."""
    in_steps(counter, seconds, once, trouble)


def in_steps(counter: str, seconds: float, once: Callable[..., Any], trouble: str = "") -> None:
    """Do what count_in_steps() does, with any kind of once(): the naive queue has but its own."""
    record.note("start", counter)
    once("first", add_one, counter)
    # The work is in the middle of the step: a process that is frozen there has passed every check of its own, and
    # when it wakes up nobody but the database is left to refuse its write.
    once("second", work_and_add_one, counter, seconds, trouble)


def work_and_add_one(counter: str, seconds: float, trouble: str = "") -> None:
    """Work for so many seconds, then add 1 to a counter."""
    if trouble == "gil":
        hold_the_gil(counter, seconds)
    else:
        record.work(counter, seconds)
    add_one(counter)
    befall(trouble, counter)


def add_one(counter: str) -> None:
    """Add 1 to a counter."""
    record.note("write", counter)
    Counter.objects.filter(pk=counter).update(value=F("value") + 1)
