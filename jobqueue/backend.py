"""Django's way in: the task backend. Cheap to build, for every `@task` at import does: no models, no connections."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.checks import CheckMessage
from django.db import transaction
from django.tasks import Task, TaskResult
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTask

from . import payload, signals
from .conf import EFFECTS, Options, suggestion
from .database import alias as database_alias
from .errors import InvalidIdempotencyKey
from .leases import ANY_QUEUE, Leases, leases_of, wake_of
from .task import JobTask

_LONGEST = {"queue_name": 128, "module_path": 255, "idempotency_key": 255}


class JobQueueBackend(BaseTaskBackend):
    """Stores jobs in the database, in the caller's transaction, and wakes a worker once that is committed."""

    task_class = JobTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        """Read TASKS[alias]; raises InvalidTaskBackend for an unknown or bad option."""
        super().__init__(alias, params)
        self.settings = Options.read(alias, self.options)

    def validate_task(self, task: Task) -> None:
        """Raise InvalidTask, saying what to do, when a task or one of its options is not acceptable."""
        assert isinstance(task, JobTask)
        _validate_moment(task.run_after)
        super().validate_task(task)
        _validate_key(task.idempotency_key)
        for name, most in _LONGEST.items():
            if len(getattr(task, name) or "") > most:
                raise InvalidTask(f"{name} of {task.name} is longer than {most} characters.")
        if not task.queue_name or "\0" in task.queue_name or task.queue_name == ANY_QUEUE:
            raise InvalidTask(f"{task.queue_name!r} is no name for a queue.")
        if task.effects is not None and task.effects not in EFFECTS:
            raise InvalidTask(f"effects={task.effects!r} is unknown.{suggestion(task.effects, EFFECTS)}")
        if task.max_attempts is not None and not _is_number(task.max_attempts, int, least=1):
            raise InvalidTask(f"max_attempts must be a whole number, 1 or more, not {task.max_attempts!r}.")
        if task.timeout is not None and not _is_number(task.timeout, int | float, least=0.001):
            raise InvalidTask(f"timeout must be a number of seconds above 0, or None, not {task.timeout!r}.")
        if task.backoff is not None and not callable(task.backoff):
            raise InvalidTask("backoff must be callable: backoff(exception, task_result) -> seconds or None.")

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """Insert a job on the caller's connection: it exists if and only if the caller's transaction commits.

        Raises InvalidArguments, ArgumentsTooLarge, InvalidTask or IdempotencyConflict; nothing is enqueued then.
        """
        # Models may be imported only once the app registry is ready; @task builds this class before.
        from . import lifecycle, results

        assert isinstance(task, JobTask)
        self.validate_task(task)
        text = payload.dump_arguments(args, kwargs, limit=self.settings.max_argument_bytes)
        created = lifecycle.create(task, text)
        if not isinstance(created, lifecycle.Created):
            return results.get(str(created))
        result = results.of_new(task, created.job_id, created.enqueued_at, args, kwargs)
        signals.enqueued(type(self), result)
        if task.run_after is None:
            self.wake([task.queue_name])
        return result

    def enqueue_many(self, task: JobTask, calls: Iterable[tuple[Iterable[Any], dict[str, Any]]]) -> list[TaskResult]:
        """Insert a job for each ``(args, kwargs)``, all or none, in few statements and with one wake-up.

        Raises as enqueue() does, and InvalidTask for a task with an idempotency key, which can name one call only.
        """
        from . import lifecycle, results  # As in enqueue().

        self.validate_task(task)
        if task.idempotency_key is not None:
            raise InvalidTask("enqueue_many() cannot give one idempotency key to many calls: enqueue them one by one.")
        owned = [(list(args), dict(kwargs)) for args, kwargs in calls]
        limit = self.settings.max_argument_bytes
        texts = [payload.dump_arguments(args, kwargs, limit=limit) for args, kwargs in owned]
        if not texts:
            return []
        ids = lifecycle.create_many(task, texts)
        made = results.of_new_many(task, ids, owned)
        if signals.enqueued_is_awaited(type(self)):
            for result in made:
                signals.enqueued(type(self), result)
        if task.run_after is None:
            self.wake([task.queue_name])
        return made

    def get_result(self, result_id: str) -> TaskResult:
        """Return the result of a job; raises TaskResultDoesNotExist for an unknown id."""
        from . import results  # As in enqueue().

        return results.get(result_id)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Return what Django's check framework should say of this backend's settings."""
        from . import checks  # Checks know this module.

        return checks.check_backend(self)

    def leases(self) -> Leases | None:
        """Return the leases of this backend, None when OPTIONS["REDIS"] is None."""
        return leases_of(self.settings)

    def wake(self, queues: Iterable[str]) -> None:
        """Wake a worker for each queue, once the caller's transaction is committed; costs no more than a moment."""
        hints = wake_of(self.settings)
        if hints is not None:
            lists = list(queues) if self.queues else [*queues, ANY_QUEUE]
            transaction.on_commit(lambda: hints.hint(lists), using=database_alias(), robust=True)


def _is_number(value: Any, kind: Any, *, least: float) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and least <= value < float("inf")


def _validate_moment(run_after: Any) -> None:
    if run_after is not None and not isinstance(run_after, datetime):
        raise InvalidTask(f"run_after must be an aware datetime, not {run_after!r}.")


def _validate_key(key: Any) -> None:
    if key is None:
        return
    if not isinstance(key, str) or not key or "\0" in key:
        raise InvalidIdempotencyKey(
            f"idempotency_key must be a text of 1 to 255 characters without NUL, not {key!r}. Nothing was enqueued."
        )
