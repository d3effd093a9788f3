"""What a task is: Django's Task with our options, and the registry through which alone a path becomes a function.

A row of the database names its task by a path. A path is never imported: it is looked up among the tasks that were
really declared in this process. What is not there stays in the queue for a worker that knows it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.tasks import Task, TaskResult
from django.tasks.exceptions import InvalidTask
from django.urls import get_resolver
from django.utils.module_loading import autodiscover_modules

from .conf import suggestion
from .errors import UnknownTask
from .limits import Concurrency, RateWords
from .sentences import Sentence

Backoff = Callable[[BaseException, TaskResult], float | timedelta | None]
Call = tuple[Iterable[Any], dict[str, Any]] | tuple[Iterable[Any], dict[str, Any], dict[str, Any]]
_registry: dict[str, JobTask] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTask(Task):
    """A task of a JobQueueBackend.

    max_attempts: how many times the body may fail before the job does; None is the backend's MAX_ATTEMPTS.
    timeout: seconds the body may run, math.inf for ever; None is the backend's TIMEOUT.
    effects: "atomic", "steps" or "unfenced"; None is the backend's EFFECTS.
    backoff: ``backoff(exception, task_result)`` is the delay before the next attempt, in seconds or as a timedelta, or
        None to give up; without it the delay is exponential with full jitter.
    retry_on: the classes of exceptions after which the body is attempted again; None is after any.
    give_up_on: those after which it is not; it has the last word.
    idempotency_key: the second enqueue with a key answers with the first one's result.
    key_ttl: seconds, or a timedelta, from the enqueue until the key may be used for another call, if its job has ended
        by then; None is never.
    commit_on: the alias of DATABASES for whose COMMIT a job waits if it is enqueued in a transaction there; None is the
        alias of the jobs, whose transaction takes the job along.
    writes_to: the alias of DATABASES that the body writes to, and where its fence is; None is the backend's WRITES_TO,
        or else the alias of the jobs.
    unfenced_databases: further aliases to which it may write outside of any fence; () is the backend's
        UNFENCED_DATABASES.
    retention_days: for how many days finished jobs are kept, math.inf for ever; None is the backend's RETENTION_DAYS.
    concurrency: how many of its jobs run at once at most, on all workers together; or ``{"key": …, "limit": 5}``, which
        counts them by a text that tasks may share, or by what a callable makes of the arguments.
    rate: how many begin in which time at most, on all workers together: "100/m", with s, m, h or d, or "5/10s"; or
        ``{"key": …, "limit": "100/m"}``. Both limits of a task count under one key.
    after: the ids of the jobs for which a job waits; it is begun when all of them have succeeded.
    on_failure: what becomes of it when one of them fails: "cancel" or "fail", it ends then and there as cancelled or as
        failed; "run", it waits until all have ended, however they did.
    sensitive: names of arguments that nobody is shown: not in the admin, in logs, in tracebacks that are kept.
    unique: "waiting" or "active": an enqueue answers with the job of the same call that waits to begin, or that has
        not ended, if there is one; None makes a job each time.
    unique_key: ``unique_key(*args, **kwargs)`` is a text that is the same for calls that are the same; without it
        those are that have the same arguments.
    tags: words by which people find its jobs; nothing depends on them.
    """

    max_attempts: int | None = None
    timeout: float | None = None
    effects: str | None = None
    backoff: Backoff | None = None
    retry_on: tuple[type[BaseException], ...] | None = None
    give_up_on: tuple[type[BaseException], ...] = ()
    idempotency_key: str | None = None
    key_ttl: float | timedelta | None = None
    commit_on: str | None = None
    writes_to: str | None = None
    unfenced_databases: tuple[str, ...] = ()
    retention_days: float | None = None
    # Dictionaries have no hash, and tasks have.
    concurrency: Concurrency | None = field(default=None, hash=False)
    rate: RateWords | None = field(default=None, hash=False)
    after: tuple[str, ...] = ()
    on_failure: str = "cancel"
    sensitive: tuple[str, ...] = ()
    unique: str | None = None
    unique_key: Callable[..., str] | None = None
    tags: tuple[str, ...] = ()

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
        """Return a copy with other values of what an enqueue may choose: see docs/reference.md.

        ``after`` takes results of enqueue(), or ids of jobs, or one of these; ``tags`` takes words, or one, instead of
        those of the task. Raises TypeError for a name that is none and InvalidTask for a bad value.
        """
        _refuse_unknown("using()", changes, _USING)
        if changes.get("after") is not None:
            changes["after"] = _ids_of(changes["after"])
        if changes.get("tags") is not None:
            changes["tags"] = _tags_of(changes["tags"])
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to build this again: what is code, often a lambda, travels as its function does, by its path."""
        parent: Any = Task
        _, (values,) = parent.__reduce__(self)
        return _rebuild, ({name: value for name, value in values.items() if name not in _CODE},)

    def stored(self, **values: Any) -> JobTask:
        """Return a copy with the values of a row, which were checked when it was enqueued."""
        copy = object.__new__(type(self))
        for name in _FIELDS:
            object.__setattr__(copy, name, values.get(name, getattr(self, name)))
        return copy

    def signature(self) -> inspect.Signature:
        """Return what it is enqueued with: the signature of its function, but for the context."""
        found = inspect.signature(self.func)
        own = list(found.parameters.values())[1 if self.takes_context else 0 :]
        return found.replace(parameters=own)

    def retries_on(self, kind: type[BaseException]) -> bool:
        """Return whether the body is attempted again after an exception of that class, if it has attempts left."""
        return (self.retry_on is None or issubclass(kind, self.retry_on)) and not issubclass(kind, self.give_up_on)

    def enqueue_many(self, calls: Iterable[Call]) -> list[TaskResult]:
        """Enqueue one job for each ``(args, kwargs)`` or ``(args, kwargs, values)``, in few statements.

        The values of a call are what using() takes, but for ``backend``: ``{"idempotency_key": "order-42"}``. Either
        all are enqueued or none. The results come in the order of the calls. Raises as enqueue() does; what is wrong
        with the values of a call, or with its key, names the call.
        """
        backend: Any = self.get_backend()
        results: list[TaskResult] = backend.enqueue_many(self, calls)
        return results

    def enqueue_on_commit(self, *args: Any, **kwargs: Any) -> TaskResult:
        """Enqueue a job that exists if and only if the transaction on `commit_on`, or else on "default", commits.

        Its id is known at once, and until then it waits for that COMMIT. Raises as enqueue() does.
        """
        return self.using(commit_on=self.commit_on or DEFAULT_DB_ALIAS).enqueue(*args, **kwargs)


_FIELDS = frozenset(field.name for field in fields(JobTask))
_CODE = ("backoff", "retry_on", "give_up_on", "concurrency", "rate", "unique_key")
_USING = frozenset(
    {
        "priority",
        "queue_name",
        "run_after",
        "backend",
        "idempotency_key",
        "key_ttl",
        "commit_on",
        "after",
        "on_failure",
        "tags",
    }
)


def _ids_of(after: Any) -> tuple[str, ...]:
    """Return the ids of the jobs that ``after`` names, as results, as ids, or as one of these alone."""
    found = [after] if isinstance(after, TaskResult | str | UUID) or not isinstance(after, Iterable) else after
    return tuple(_id_of(one) for one in found)


def _id_of(one: Any) -> str:
    try:
        return str(UUID(str(one.id if isinstance(one, TaskResult) else one)))
    except ValueError:
        raise InvalidTask(f"after takes results of enqueue(), or ids of jobs, not {one!r}.") from None


def _tags_of(tags: Any) -> Any:
    """Return words as a task keeps them; what is none is found out when the task is made."""
    found = [tags] if isinstance(tags, str) or not isinstance(tags, Iterable) else tags
    return tuple(found)


def _rebuild(values: dict[str, Any]) -> JobTask:
    parent: Any = JobTask
    task: JobTask = parent._reconstruct(values)
    declared = find(task.module_path)
    return task.stored(**{name: getattr(declared, name) for name in _CODE})


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
            Sentence(
                "No task %(task)r is registered in this process: import the module that declares it, "
                "or deploy a version that has it.",
                task=path,
            )
        ) from None


def is_known(path: str) -> bool:
    """Return whether this process has a registered task of that path."""
    return path in _registry


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
