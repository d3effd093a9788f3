"""What the bodies of a soak have in common: they say what they do, leave effects, and take their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import F
from django.tasks import task

from jobqueue import current_job, once

from .history import say
from .kinds import counter_of
from .models import Counter, Effect
from .plan import current

_SIGN_SECONDS = 0.05


def soaked(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a task that is tried again soon, and again."""
    if current().unfenced:
        options["effects"] = "unfenced"
    return task(backoff=lambda error, result: 0.1, **{"max_attempts": 1000, **options})


@contextmanager
def run(number: str) -> Iterator[None]:
    """Say that a body begins, and how it is over."""
    job: Any = current_job()
    say("begin", number, job.id, job.fence.token)
    word = "ok"
    try:
        yield
    except BaseException as error:
        word = type(error).__name__
        raise
    finally:
        say("over", number, job.id, word)


def leave(number: str, step: str) -> None:
    """Leave an effect: a row of the job's own, and 1 more on a counter that many share."""
    leave_row(number, step)
    raise_counter(number)


def leave_row(number: str, step: str) -> None:
    """Leave the first half of an effect."""
    job: Any = current_job()
    Effect.objects.create(number=number, step=step, job=str(job.id), token=str(job.fence.token))


def raise_counter(number: str) -> None:
    """Leave the other half; until the transaction ends, others wait for it."""
    Counter.objects.filter(pk=counter_of(number)).update(value=F("value") + 1)


def do_once(number: str, step: str, seconds: float = 0.0) -> None:
    """Leave an effect as a step, and say so when an earlier run had done it."""
    ran = False

    def act() -> None:
        nonlocal ran
        ran = True
        work(number, seconds)
        leave(number, step)

    once(step, act)
    if not ran:
        say("replay", number, current_job().id, step)


def work(number: str, seconds: float) -> None:
    """Take so many seconds, and show signs of life meanwhile."""
    over = time.monotonic() + seconds
    while (left := over - time.monotonic()) > 0:
        time.sleep(min(left, _SIGN_SECONDS))
        say("sign", number, current_job().id)
