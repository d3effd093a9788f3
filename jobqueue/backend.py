"""Django's way in: the task backend. Cheap to build, for every `@task` at import does: no models, no connections."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.core.checks import CheckMessage
from django.db import connections, transaction
from django.tasks import Task, TaskResult, TaskResultStatus, task_backends
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTask, InvalidTaskBackend

from . import limits, payload, signals
from .calls import new_call, new_calls
from .conf import (
    EFFECTS,
    LONGEST_TAG,
    MOST_TAGS,
    ON_FAILURE,
    UNIQUE,
    Options,
    are_aliases,
    is_days,
    is_number,
    suggestion,
)
from .current import writing_here
from .database import alias as database_alias
from .database import connection as database_connection
from .errors import InvalidIdempotencyKey
from .fields import is_storable
from .leases import ANY_QUEUE, Leases, leases_of, wake_of
from .redaction import names_of
from .spans import seconds_of
from .task import Call, JobTask

if TYPE_CHECKING:
    from .lifecycle import Judged

_ARGS_AND_KWARGS = 2
_LONGEST = {"queue_name": 128, "module_path": 255, "idempotency_key": 255}


def _are_exceptions(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(it, type) and issubclass(it, BaseException) for it in value)


_EXCEPTIONS = "a tuple of classes of exceptions, as in (OSError,)"
# None is the backend's default.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_attempts": (lambda v: v is None or is_number(v, least=1, whole=True), "a whole number, 1 or more"),
    "timeout": (
        lambda v: v in (None, math.inf) or is_number(v, least=0.001),
        "a number of seconds above 0, math.inf, or None",
    ),
    "backoff": (lambda v: v is None or callable(v), "callable: backoff(exception, task_result) -> seconds or None"),
    "retry_on": (lambda v: v is None or _are_exceptions(v), _EXCEPTIONS),
    "give_up_on": (_are_exceptions, _EXCEPTIONS),
    "key_ttl": (
        lambda v: v is None or is_number(seconds_of(v), least=0.001),
        "a number of seconds above 0, a timedelta, or None",
    ),
    "retention_days": (
        lambda v: v in (None, math.inf) or is_days(v),
        "a number of days, math.inf, or None",
    ),
}


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
        # The last one that was accepted: most are enqueued again and again, and none can change.
        self._accepted: Task | None = None

    def validate_task(self, task: Task) -> None:
        """Raise InvalidTask, saying what to do, when a task or one of its options is not acceptable."""
        assert isinstance(task, JobTask)
        _validate_moment(task.run_after)
        super().validate_task(task)
        _validate_key(task.idempotency_key)
        if task.key_ttl is not None and task.idempotency_key is None:
            raise InvalidTask("key_ttl says how long an idempotency_key is kept: give one, or leave key_ttl out.")
        _validate_unique(task)
        _validate_sensitive(task)
        limits.declared(task.concurrency, task.rate)
        _validate_dependencies(task)
        _validate_tags(task)
        for name, most in _LONGEST.items():
            if len(getattr(task, name) or "") > most:
                raise InvalidTask(f"{name} of {task.name} is longer than {most} characters.")
        if not task.queue_name or not is_storable(task.queue_name) or task.queue_name == ANY_QUEUE:
            raise InvalidTask(f"{task.queue_name!r} is no name for a queue.")
        if task.effects is not None and task.effects not in EFFECTS:
            raise InvalidTask(f"effects={task.effects!r} is unknown.{suggestion(task.effects, EFFECTS)}")
        _validate_aliases(task)
        for name, (accepts, wanted) in _RULES.items():
            value = getattr(task, name)
            if not accepts(value):
                raise InvalidTask(f"{name} must be {wanted}, not {value!r}.")

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """Insert a job on the caller's connection: it exists if and only if the caller's transaction commits.

        That is the one on the alias of the jobs, or else on the task's `commit_on`.
        Raises InvalidArguments, ArgumentsTooLarge, InvalidTask, InvalidLimitKey, UnknownDependency,
        IdempotencyConflict or NotMigrated; nothing is enqueued then.
        """
        # Models may be imported only once the app registry is ready; @task builds this class before.
        from . import elsewhere, lifecycle, results

        assert isinstance(task, JobTask)
        if task is not self._accepted:
            self.validate_task(task)
            self._accepted = task
        call = new_call(task, args, kwargs, limit=self.settings.max_argument_bytes)
        waits_for = elsewhere.open_transaction(task)
        if waits_for is None:
            created = lifecycle.create(task, call.text, unique_key=call.unique_key, limit_key=call.limit_key)
        else:
            with writing_here():
                created = lifecycle.create_waiting(task, call.text, limit_key=call.limit_key, database=waits_for)
        if not isinstance(created, lifecycle.Created):
            (found,) = results.earlier([str(created)]).values()
            self._wake_for_kept([found])
            return found
        result = results.of_new(task, created.job_id, created.enqueued_at, args, kwargs)
        signals.enqueued(type(self), result)
        if task.after:
            self._judge_soon([created.job_id])
        if waits_for is not None:
            elsewhere.on_commit(task, created.job_id, self.wake)
        elif task.run_after is None:
            self.wake([task.queue_name])
        return result

    def enqueue_many(self, task: JobTask, calls: Iterable[Call]) -> list[TaskResult]:
        """Insert a job for each ``(args, kwargs)`` or ``(args, kwargs, values)``, all or none, in few statements.

        Raises as enqueue() does, and InvalidTask for a task with an idempotency key, which can name one call only.
        """
        from . import elsewhere, lifecycle, results  # As in enqueue().

        self.validate_task(task)
        if task.idempotency_key is not None:
            raise InvalidTask(
                "enqueue_many() cannot give one idempotency key to many calls: give each its own, as in "
                '(args, kwargs, {"idempotency_key": …}).'
            )
        elsewhere.refuse_many([task])
        given: list[Any] = list(calls)
        if task.unique is not None or set(map(len, given)) - {_ARGS_AND_KWARGS}:
            return self._enqueue_each(task, given)
        owned = [(list(args), dict(kwargs)) for args, kwargs in given]
        limit = self.settings.max_argument_bytes
        texts = [payload.dump_arguments(args, kwargs, limit=limit) for args, kwargs in owned]
        if not texts:
            return []
        ids = lifecycle.create_many(task, texts, limit_keys=limits.keys_of(task, owned))
        made = results.of_new_many(task, ids, owned)
        if signals.enqueued_is_awaited(type(self)):
            for result in made:
                signals.enqueued(type(self), result)
        if task.after:
            self._judge_soon([UUID(job_id) for job_id in ids])
        if task.run_after is None:
            self.wake([task.queue_name])
        return made

    def _enqueue_each(self, task: JobTask, calls: list[Call]) -> list[TaskResult]:
        """Insert jobs that have values of their own, or that others may be there for."""
        from . import elsewhere, lifecycle, results  # As in enqueue().

        new = new_calls(task, calls, limit=self.settings.max_argument_bytes)
        if not new:
            return []
        elsewhere.refuse_many(call.task for call in new)
        with transaction.atomic(using=database_alias()):
            answers = lifecycle.create_each(new)
            found = results.earlier(answer.job_id for answer in answers if not answer.is_new)
        answered: list[TaskResult] = []
        for (job_id, is_new), call in zip(answers, new, strict=True):
            if is_new:
                answered.append(results.of_new(call.task, job_id, None, call.args, call.kwargs))
                signals.enqueued(type(self), answered[-1])
            else:
                answered.append(found[job_id])
        if behind := [UUID(it.job_id) for it, call in zip(answers, new, strict=True) if it.is_new and call.task.after]:
            self._judge_soon(behind)
        made = [call.task for (_, is_new), call in zip(answers, new, strict=True) if is_new]
        self.wake(dict.fromkeys(one.queue_name for one in made if one.run_after is None))
        self._wake_for_kept(found.values())
        return answered

    def _wake_for_kept(self, found: Iterable[TaskResult]) -> None:
        """Wake a worker for jobs that the caller's transaction keeps from beginning before it has ended."""
        if database_connection().in_atomic_block:
            tasks = [cast(JobTask, result.task) for result in found if result.status == TaskResultStatus.READY]
            self.wake(dict.fromkeys(it.queue_name for it in tasks if it.unique == "waiting" and it.run_after is None))

    def get_result(self, result_id: str) -> TaskResult:
        """Return the result of a job; raises TaskResultDoesNotExist for an unknown id."""
        from . import results  # As in enqueue().

        return results.get(result_id)

    def cancel(self, result_id: str) -> None:
        """Cancel a job that waits or runs, and with it what waits for it; raises WrongState when it does neither."""
        from . import lifecycle  # As in enqueue().

        job_id = UUID(result_id)
        lifecycle.cancel(job_id)
        transaction.on_commit(lambda: follow([job_id]), using=database_alias(), robust=True)

    def retry(self, result_id: str, queue: str) -> None:
        """Have a failed job attempted again, and wake a worker for it; raises WrongState when it is not FAILED."""
        from . import lifecycle  # As in enqueue().

        lifecycle.retry(UUID(result_id))
        self.wake([queue])

    def progress(self, result_id: str) -> dict[str, Any] | None:
        """Return how far the last attempt of a job said it was; None when it said nothing."""
        from . import results  # As in enqueue().

        return results.progress(UUID(result_id))

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Return what Django's check framework should say of this backend's settings."""
        from . import checks  # Checks know this module.

        return checks.check_backend(self)

    def leases(self) -> Leases | None:
        """Return the leases of this backend, None when OPTIONS["REDIS"] is None."""
        return leases_of(self.settings)

    def _judge_soon(self, job_ids: list[UUID]) -> None:
        """Look, once they are committed, whether what these jobs wait for ended while nobody saw them wait."""
        from . import lifecycle  # As in enqueue().

        _on_commit(lambda: lifecycle.judge(job_ids))

    def wake(self, queues: Iterable[str]) -> None:
        """Wake a worker for each queue, once the caller's transaction is committed; costs no more than a moment."""
        hints = wake_of(self.settings)
        if hints is not None and (lists := list(queues)):
            lists += [] if self.queues else [ANY_QUEUE]
            _on_commit(lambda: hints.hint(lists))


def _on_commit(deed: Callable[[], object]) -> None:
    """Do something once the caller's transaction is committed; nothing for one that is managed by hand.

    Nobody tells of its COMMIT, and workers look for themselves.
    """
    connection = connections[database_alias()]
    if connection.in_atomic_block or connection.get_autocommit():
        transaction.on_commit(deed, using=connection.alias, robust=True)


def backend_of(alias: str) -> JobQueueBackend | None:
    """Return the backend of that alias; None when it is not, or no longer, one of jobqueue."""
    try:
        backend = task_backends[alias]
    except InvalidTaskBackend:
        return None
    return backend if isinstance(backend, JobQueueBackend) else None


def backends() -> dict[str, JobQueueBackend]:
    """Return the backends of jobqueue by alias."""
    return {alias: backend for alias in sorted(task_backends) if (backend := backend_of(alias))}


def wake_workers(alias: str, queues: Iterable[str]) -> None:
    """Wake a worker for each of these queues, as JobQueueBackend.wake() does, if that alias is one of jobqueue here."""
    if backend := backend_of(alias):
        backend.wake(queues)


def follow(ended: Sequence[UUID]) -> Judged:
    """Judge the jobs that wait for these, which have ended, and wake workers for those that may begin now."""
    from . import lifecycle  # As in enqueue().

    judged = lifecycle.follow(ended)
    for alias, queue in set(judged.opened.values()):
        wake_workers(alias, [queue])
    return judged


def _validate_sensitive(task: JobTask) -> None:
    if task.sensitive == ():
        return
    if not isinstance(task.sensitive, tuple) or not all(isinstance(name, str) for name in task.sensitive):
        raise InvalidTask(f"sensitive must be a tuple of names of arguments, as in ('token',), not {task.sensitive!r}.")
    names = names_of(task.func, task.takes_context)
    for name in task.sensitive:
        # What comes by a name of its own into **options has to be believed.
        if name not in names.all() and names.keywords is None:
            raise InvalidTask(
                f"sensitive names {name!r}, which is no argument of {task.name}.{suggestion(name, names.all())}"
            )


def _validate_unique(task: JobTask) -> None:
    if task.unique is None:
        if task.unique_key is not None:
            raise InvalidTask('unique_key tells which calls are the same: give unique="waiting" or "active" with it.')
        return
    if task.unique not in UNIQUE:
        raise InvalidTask(f"unique={task.unique!r} is unknown.{suggestion(str(task.unique), UNIQUE)}")
    if task.unique_key is not None and not callable(task.unique_key):
        raise InvalidTask(f"unique_key must be callable: unique_key(*args, **kwargs) -> text, not {task.unique_key!r}.")
    if task.idempotency_key is not None:
        raise InvalidTask(
            f'{task.name} is unique="{task.unique}" and cannot be given an idempotency key: the one answers with a job '
            "that is there now, the other with the first there ever was. Choose one of them."
        )


def _validate_dependencies(task: JobTask) -> None:
    if task.on_failure not in ON_FAILURE:
        raise InvalidTask(f"on_failure={task.on_failure!r} is unknown.{suggestion(task.on_failure, ON_FAILURE)}")
    if not isinstance(task.after, tuple) or not all(isinstance(one, str) for one in task.after):
        raise InvalidTask("after names jobs that are there when another is enqueued: give it to using().")


def _validate_tags(task: JobTask) -> None:
    if not isinstance(task.tags, tuple) or len(task.tags) > MOST_TAGS:
        raise InvalidTask(f"tags must be at most {MOST_TAGS} words, as in tags=('billing',), not {task.tags!r}.")
    for tag in task.tags:
        if not isinstance(tag, str) or not 0 < len(tag.strip()) == len(tag) <= LONGEST_TAG or not is_storable(tag):
            raise InvalidTask(
                f"A tag must be a text of 1 to {LONGEST_TAG} characters without NUL, halves of surrogate pairs, or "
                f"space around it, not {tag!r}."
            )


def _validate_aliases(task: JobTask) -> None:
    if not are_aliases(task.unfenced_databases):
        raise InvalidTask(f"unfenced_databases must be a tuple of aliases, not {task.unfenced_databases!r}.")
    named = [("commit_on", task.commit_on), ("writes_to", task.writes_to)]
    for name, value in (*named, *(("unfenced_databases", alias) for alias in task.unfenced_databases)):
        if value is not None and value not in connections.settings:
            raise InvalidTask(f"{name}={value!r} is not in DATABASES.{suggestion(value, connections.settings)}")


def _validate_moment(run_after: Any) -> None:
    if run_after is not None and not isinstance(run_after, datetime):
        raise InvalidTask(f"run_after must be an aware datetime, not {run_after!r}.")


def _validate_key(key: Any) -> None:
    if key is None:
        return
    if not isinstance(key, str) or not key or not is_storable(key):
        raise InvalidIdempotencyKey(
            "idempotency_key must be a text of 1 to 255 characters without NUL or halves of surrogate pairs, not "
            f"{key!r}. Nothing was enqueued."
        )
