"""What a task is: Django's Task with our options, and the registry through which alone a path becomes a function.

A row of the database names its task by a path. A path is never imported: it is looked up among the tasks that were
really declared in this process. What is not there stays in the queue for a worker that knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.tasks import Task, TaskResult
from django.urls import get_resolver
from django.utils.module_loading import autodiscover_modules

from .conf import suggestion
from .errors import UnknownTask

Backoff = Callable[[BaseException, TaskResult], float | timedelta | None]
_registry: dict[str, JobTask] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTask(Task):
    """A task of a JobQueueBackend.

    max_attempts: how many times the body may fail before the job does; None is the backend's MAX_ATTEMPTS.
    timeout: seconds the body may run; None is for ever.
    effects: "atomic", "steps" or "unfenced"; None is the backend's EFFECTS.
    backoff: ``backoff(exception, task_result)`` is the delay before the next attempt, in seconds or as a timedelta, or
        None to give up; without it the delay is exponential with full jitter.
    idempotency_key: the second enqueue with a key answers with the first one's result.
    """

    max_attempts: int | None = None
    timeout: float | None = None
    effects: str | None = None
    backoff: Backoff | None = None
    idempotency_key: str | None = None

    def __new__(cls, **options: Any) -> JobTask:
        """Refuse unknown options, naming the one that was probably meant."""
        _refuse_unknown("@task", options, _FIELDS)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        self.get_backend().validate_task(self)
        known = _registry.get(self.module_path)
        # using() makes copies with other defaults: the one that was declared stays.
        if known is None or known.func is not self.func:
            _registry[self.module_path] = self

    def using(self, **changes: Any) -> JobTask:
        """Return a copy with other values of priority, queue_name, run_after, backend or idempotency_key.

        Raises TypeError for any other name and InvalidTask for a bad value.
        """
        _refuse_unknown("using()", changes, _USING)
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to build this again: its backoff, often a lambda, travels as its function does, by its path."""
        parent: Any = Task
        _, (values,) = parent.__reduce__(self)
        return _rebuild, ({name: value for name, value in values.items() if name != "backoff"},)

    def stored(self, **values: Any) -> JobTask:
        """Return a copy with the values of a row, which were checked when it was enqueued."""
        copy = object.__new__(type(self))
        for name in _FIELDS:
            object.__setattr__(copy, name, values.get(name, getattr(self, name)))
        return copy

    def enqueue_many(self, calls: Iterable[tuple[Iterable[Any], dict[str, Any]]]) -> list[TaskResult]:
        """Enqueue one job for each ``(args, kwargs)``, in few statements and with one wake-up.

        Either all of them are enqueued or none. Raises as enqueue() does, before anything is stored.
        """
        backend: Any = self.get_backend()
        results: list[TaskResult] = backend.enqueue_many(self, calls)
        return results


_FIELDS = frozenset(field.name for field in fields(JobTask))
_USING = frozenset({"priority", "queue_name", "run_after", "backend", "idempotency_key"})


def _rebuild(values: dict[str, Any]) -> JobTask:
    parent: Any = JobTask
    task: JobTask = parent._reconstruct(values)
    return task.stored(backoff=find(task.module_path).backoff)


def _refuse_unknown(where: str, options: Iterable[str], known: frozenset[str]) -> None:
    for name in options:
        if name not in known:
            raise TypeError(f"{where} got an unknown option {name!r}.{suggestion(name, known - {'func'})}")


def find(path: str) -> JobTask:
    """Return the registered task of that path; raises UnknownTask when this process has none."""
    try:
        return _registry[path]
    except KeyError:
        raise UnknownTask(
            f"No task {path!r} is registered in this process: import the module that declares it, "
            "or deploy a version that has it."
        ) from None


def registered() -> list[JobTask]:
    """Return every task that was declared in this process, by path; using() may send any of them to any backend."""
    return [task for _, task in sorted(_registry.items())]


def discover() -> None:
    """Import what a web process would: every app's `tasks` module, then the URLconf and so the views."""
    autodiscover_modules("tasks")
    # A project without a usable URLconf is one without views; `manage.py check` speaks of it.
    if getattr(settings, "ROOT_URLCONF", None):
        with suppress(ImproperlyConfigured):
            _ = get_resolver().url_patterns
