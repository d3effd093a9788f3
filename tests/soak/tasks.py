"""The jobs of a soak, of every kind that a queue meets. Each is called with a number: it names the call and its kind.

All of them are tried again as often as needed: what a fault made fail must succeed in the end. The kinds that must fail
are those of `MUST_FAIL` in ``kinds``. Those that use what a queue may be asked for besides are in ``feature_tasks``.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from django.db import connection
from django.tasks.signals import task_finished

from jobqueue import current_job

from .bodies import do_once, leave, leave_row, raise_counter, run, soaked, work
from .feature_tasks import coro, doomed, limited, mail, only, parcel, part, resume, tick, total
from .history import say
from .kinds import children_of

__all__ = ["coro", "doomed", "limited", "mail", "only", "parcel", "part", "resume", "tick", "total"]

_PATIENCE = 60.0


@soaked()
def bump(number: str) -> str:
    """Leave an effect, and be gone."""
    with run(number):
        leave(number, "bump")
    return number


@soaked()
def keyed(number: str) -> str:
    """The same, enqueued under a key, again and again."""
    with run(number):
        leave(number, "keyed")
    return number


@soaked(effects="steps")
def steps(number: str) -> str:
    """Leave two effects, one step each."""
    with run(number):
        do_once(number, "first")
        do_once(number, "second")
    return number


@soaked()
def value(number: str) -> str:
    """Ask the database nothing."""
    with run(number):
        pass
    return number


@soaked()
def flaky(number: str, times: int) -> str:
    """Fail so many times, after having written."""
    with run(number):
        leave(number, "flaky")
        if current_job().attempt <= times:
            raise ConnectionError("not today")
    return number


@soaked()
def parent(number: str) -> str:
    """Leave an effect and enqueue others, all in one transaction."""
    with run(number):
        for child in children_of(number):
            bump.enqueue(child)
        leave(number, "parent")
    return number


@soaked()
def slow(number: str, seconds: float) -> str:
    """Outlive the lease in the middle of a transaction; on SQLite, where all others would wait for that, before it."""
    with run(number):
        if connection.vendor == "sqlite" and connection.in_atomic_block:
            work(number, seconds)
            leave_row(number, "slow")
        else:
            leave_row(number, "slow")
            work(number, seconds)
        raise_counter(number)
    return number


@soaked(effects="steps")
def slowsteps(number: str, seconds: float) -> str:
    """Outlive the lease outside of any transaction, and be in the middle of a step for a while."""
    with run(number):
        do_once(number, "first")
        work(number, seconds)
        do_once(number, "second", 0.2)
    return number


@soaked(max_attempts=2)
def hopeless(number: str) -> None:
    """Write and fail, always."""
    with run(number):
        leave(number, "hopeless")
        raise ValueError("never")


@soaked()
def poison(number: str) -> None:
    """Write, and take the process down."""
    with run(number):
        leave(number, "poison")
        os.kill(os.getpid(), signal.SIGKILL)


@soaked(timeout=0.5, max_attempts=1)
def late(number: str) -> None:
    """Write, and take longer than allowed."""
    with run(number):
        work(number, _PATIENCE)


@soaked(effects="steps", max_attempts=2)
def outlaw(number: str) -> None:
    """Write outside of a step."""
    with run(number):
        do_once(number, "first")
        leave(number, "outlaw")


if os.environ.get("JOBQUEUE_SOAK_LISTENS"):

    def _hear(sender: type, task_result: Any, **_: Any) -> None:
        say("heard", task_result.args[0], task_result.id, task_result.status)

    task_finished.connect(_hear, weak=False, dispatch_uid="soak")
