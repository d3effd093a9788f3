"""Sends Django's three signals of tasks, in a way that no receiver can change what happened."""

from __future__ import annotations

import logging
from uuid import UUID

from django.dispatch import Signal
from django.tasks import TaskResult, TaskResultStatus
from django.tasks import signals as django_signals
from django.tasks.signals import task_enqueued, task_finished, task_started

# A job that goes well writes it for DEBUG only: at ten thousand of them a second, logging would take longer than they.
_LINE = "Task id=%s path=%s state=%s"
# Django's own receivers of these signals, which write log lines.
_LOGGERS = (
    django_signals.log_task_enqueued,
    django_signals.log_task_started,
    django_signals.log_task_finished,
)


def enqueued(sender: type, result: TaskResult) -> None:
    """Tell that a job was inserted; its transaction may still be rolled back."""
    task_enqueued.send_robust(sender, task_result=result)


def started(sender: type, result: TaskResult) -> None:
    """Tell that the body of a job is about to run."""
    task_started.send_robust(sender, task_result=result)


def finished(sender: type, result: TaskResult) -> None:
    """Tell that a job has come to its end, after that was committed."""
    task_finished.send_robust(sender, task_result=result)


def log_started(job_id: UUID, task_path: str) -> None:
    """Write Django's log line about the start of a body, for when nobody listens to the signal."""
    django_signals.logger.debug(_LINE, job_id, task_path, TaskResultStatus.RUNNING)


def log_finished(job_id: UUID, task_path: str, status: TaskResultStatus, error: BaseException | None = None) -> None:
    """Write Django's log line about the end of a job, for when nobody listens to the signal."""
    level = logging.ERROR if status == TaskResultStatus.FAILED else logging.DEBUG
    django_signals.logger.log(level, _LINE, job_id, task_path, status, exc_info=error)


def is_awaited(signal: Signal, sender: type) -> bool:
    """Return whether anybody but Django's own log listens to a signal."""
    sync, asynchronous = signal._live_receivers(sender)
    return bool(asynchronous) or any(receiver not in _LOGGERS for receiver in sync)


def enqueued_is_awaited(sender: type) -> bool:
    """Return whether anybody, Django's log included, wants to know of each job that is enqueued."""
    return is_awaited(task_enqueued, sender) or django_signals.logger.isEnabledFor(logging.DEBUG)


def start_is_awaited(sender: type) -> bool:
    """Return whether somebody wants to know that a body starts."""
    return is_awaited(task_started, sender)


def finish_is_awaited(sender: type) -> bool:
    """Return whether somebody wants to know that a job finished."""
    return is_awaited(task_finished, sender)
