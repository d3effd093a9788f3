"""Tasks that log, each of them something that is its own."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time

from django.tasks import task

from jobqueue import current_job
from tests.app.record import note, notes, wait_at_gate

logger = logging.getLogger("shop.tasks")
_TICK = 0.02


def _said(name: str) -> None:
    logger.warning("%s is job %s", name, current_job().id)


@task
def log_and_meet(file: str, parties: int, name: str) -> None:
    """Log, wait until so many have, and log again."""
    _said(name)
    note(file, "here")
    while len(notes(file, "here")) < parties:
        time.sleep(_TICK)
    _said(name)


@task
async def log_and_meet_as_coroutine(file: str, parties: int, name: str) -> None:
    """Likewise; a task and a thread that the body starts know its job, too."""
    _said(name)
    note(file, "here")
    while len(notes(file, "here")) < parties:
        await asyncio.sleep(_TICK)
    await asyncio.gather(asyncio.to_thread(_said, name), asyncio.create_task(_soon(name)))


async def _soon(name: str) -> None:
    _said(name)


@task(max_attempts=1)
def log_and_raise(password: str) -> None:
    """Log what it was given, and fail."""
    logger.warning("given %s", password)
    raise ValueError(password)


@task
def log_and_be_killed(file: str) -> None:
    """Log, wait until told to go on, and die the first time."""
    logger.warning("before the end")
    note(file, "start")
    wait_at_gate(file, 120.0)
    if len(notes(file, "start")) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    logger.warning("after all")
