"""Jobs of a soak that ask for more than to be run: for slots, for others, for a tick, for a word from outside.

As in ``tasks``, each is called with its number, but for those of the schedule, which are all called with the same.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial

from asgiref.sync import sync_to_async

from jobqueue import HandBack, current_job, deliver, schedule

from . import outside
from .bodies import do_once, leave, run, soaked, work
from .history import say
from .kinds import EVERY_SECONDS, LIMITS, SCHEDULE, STEPS, number_of, unique_key_of
from .plan import current

_PART_SECONDS = 0.2


@soaked(concurrency={"key": "soak", "limit": LIMITS["limited"]})
def limited(number: str, seconds: float) -> str:
    """Take a slot for a while, and leave an effect."""
    with run(number):
        work(number, seconds)
        leave(number, "limited")
    return number


@soaked()
def part(number: str, seconds: float) -> str:
    """Be waited for."""
    with run(number):
        work(number, seconds)
        leave(number, "part")
    return number


@soaked()
def total(number: str) -> str:
    """Wait for others, and say what they returned."""
    with run(number):
        say("given", number, current_job().id, json.dumps(current_job().results))
        leave(number, "total")
    return number


@soaked()
def doomed(number: str) -> str:
    """Wait for what can only fail."""
    with run(number):
        leave(number, "doomed")
    return number


@soaked(unique="active", unique_key=lambda number, seconds: unique_key_of(number))
def only(number: str, seconds: float) -> str:
    """Be the only one of its key."""
    with run(number):
        work(number, seconds)
        leave(number, "only")
    return number


@soaked()
async def coro(number: str, seconds: float) -> str:
    """Wait on a loop that others share, and leave an effect."""
    with run(number):
        await asyncio.sleep(seconds)
        say("sign", number, current_job().id)
        await sync_to_async(leave)(number, "coro")
    return number


@soaked()
def tick(first: str) -> str:
    """Be made by a schedule."""
    number = number_of(current_job().id, first)
    with run(number):
        leave(number, "tick")
    return number


if not current().unfenced:
    schedule(SCHEDULE, tick, every=EVERY_SECONDS, args=["tick"], missed="all", most=1000)


@soaked(effects="steps")
def mail(number: str, seconds: float) -> str:
    """Have an effect outside that nobody can be asked about."""
    with run(number):
        receipt: str = deliver("mail", _post, number, seconds)
        do_once(number, "sent")
    return receipt


@soaked(effects="steps")
def parcel(number: str, seconds: float, broken: str) -> str:
    """Have an effect outside that can be asked about; the way there may break the first time, before it or behind."""
    with run(number):
        if current_job().attempt > 1:
            broken = ""
        receipt: str = deliver("parcel", _post, number, seconds, broken, lookup=partial(_ask, number))
        do_once(number, "sent")
    return receipt


def _post(number: str, seconds: float, broken: str = "") -> str:
    """Deliver, in the middle of such a time, and return the receipt."""
    work(number, seconds / 2)
    if broken == "before":
        raise ConnectionError("nobody knows whether it went out")
    outside.post(number, current_job().idempotency_key(number.partition("-")[0]))
    if broken == "behind":
        raise ConnectionError("nobody knows whether it arrived")
    work(number, seconds / 2)
    return number


def _ask(number: str, key: str) -> str | None:
    """Return the receipt of what has arrived under the key."""
    there = key in outside.arrived(number)
    say("asked", number, current_job().id, "there" if there else "nothing")
    return number if there else None


@soaked(effects="steps")
def resume(number: str) -> str:
    """Go on where the last checkpoint is, leave one after each step, and give up the turn when the worker stops."""
    job, steps = current_job(), STEPS["resume"]
    with run(number):
        state = job.resumed
        say("resumed", number, job.id, state or 0)
        for place in range(state or 0, len(steps)):
            work(number, _PART_SECONDS)
            do_once(number, steps[place])
            say("keeping", number, job.id, place + 1)
            job.checkpoint(place + 1)
            say("kept", number, job.id, place + 1)
            if job.stopping:
                raise HandBack
    return number
