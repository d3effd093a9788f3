"""What Django's TaskResult and TaskError are here: they show nothing sensitive, and import nothing that a row names."""

from __future__ import annotations

import sys
from inspect import isclass
from typing import Any

from asgiref.sync import sync_to_async
from django.tasks import TaskResult
from django.tasks.base import TaskError

from . import redaction
from .secrets import Secrets


class JobResult(TaskResult):
    """A TaskResult whose repr, which ends up in logs and error reports, shows nothing that is sensitive."""

    __slots__ = ("_enqueued_before",)

    @property
    def enqueued_before(self) -> bool:
        """Whether the enqueue that returned this found the job of an earlier one: its idempotency or unique key did."""
        return getattr(self, "_enqueued_before", False)

    def cancel(self) -> None:
        """Cancel the job: one that waits will not run, the body of one that runs is stopped and its writes are refused.

        Raises WrongState when the job has ended. What this object shows is as old as before: see refresh().
        """
        self._backend().cancel(self.id)

    async def acancel(self) -> None:
        """As cancel()."""
        await sync_to_async(self.cancel)()

    def retry(self) -> None:
        """Have the job attempted again, with full budgets; raises WrongState when it is not FAILED."""
        self._backend().retry(self.id, self.task.queue_name)

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far the last attempt said it was: ``{"done": …, "total": …, "note": …}``, None when it said nothing.

        Asked of the database each time, and there within a second or so.
        """
        found: dict[str, Any] | None = self._backend().progress(self.id)
        return found

    async def aretry(self) -> None:
        """As retry()."""
        await sync_to_async(self.retry)()

    def _backend(self) -> Any:
        return self.task.get_backend()

    def __repr__(self) -> str:
        task: Any = self.task
        args, kwargs = redaction.shown_call(task, self.args, self.kwargs)
        secrets = Secrets(task, lambda: (self.args, self.kwargs))
        value = secrets.out_of_value(redaction.shown(getattr(self, "_return_value", None)))
        return (
            f"JobResult(task={task.module_path!r}, id={self.id!r}, status={str(self.status)!r}, args={args!r}, "
            f"kwargs={kwargs!r}, return_value={value!r}, attempts={self.attempts})"
        )


class JobError(TaskError):
    """A TaskError whose class is looked up among what this process has imported: a row's path is never imported."""

    __slots__ = ()

    @property
    def exception_class(self) -> type[BaseException]:
        """The class that was raised; raises ImportError when its module is not loaded or has no such class."""
        module, found = _loaded(self.exception_class_path)
        for name in self.exception_class_path[len(module) + 1 :].split("."):
            # Not getattr(): a module or a class may run code to answer that.
            found = vars(found).get(name) if hasattr(found, "__dict__") else None
        if not isclass(found):
            raise ImportError(
                f"{self.exception_class_path!r} is no class of a module that this process has imported. "
                "Paths that come from a row are not imported: import the module where you need the class."
            )
        if not issubclass(found, BaseException):
            raise ValueError(f"{self.exception_class_path!r} is no exception.")  # noqa: TRY004  (as Django has it)
        return found


def _loaded(path: str) -> tuple[str, Any]:
    """Return the innermost loaded module in a dotted path, and its name."""
    module, dot, _ = path.rpartition(".")
    while dot and module not in sys.modules:
        module, dot, _ = module.rpartition(".")
    return module, sys.modules.get(module)
