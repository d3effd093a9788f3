"""What of a job's payload is not shown: the arguments a task calls sensitive, and what Django's patterns take for it.

The row keeps the true values, for the task needs them. Redacted is what people come to see: the admin, the traceback of
an attempt, log lines, the repr of a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.functional import SimpleLazyObject

if TYPE_CHECKING:
    from .task import JobTask

SUBSTITUTE = "********************"


def _patterns() -> Any:
    # Django's module of error pages is much to import, and a project's own filter may name other patterns.
    from django.views.debug import get_default_exception_reporter_filter

    return get_default_exception_reporter_filter().hidden_settings


_PATTERNS: Any = SimpleLazyObject(_patterns)


class Names(NamedTuple):
    """The arguments of a function: those that may come by position, in order, and the two that take the rest."""

    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    rest: str | None
    keywords: str | None

    def all(self) -> list[str]:
        """Return every name."""
        return [*self.positional, *self.keyword_only, *filter(None, (self.rest, self.keywords))]

    def at(self, position: int) -> str:
        """Return the name of the argument that comes at a position."""
        return self.positional[position] if position < len(self.positional) else self.rest or ""


@cache
def names_of(func: Callable[..., Any], takes_context: bool) -> Names:
    """Return the arguments that a task is enqueued with."""
    parameters = list(signature(func).parameters.values())[1 if takes_context else 0 :]

    def those(*kinds: Any) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in parameters if parameter.kind in kinds)

    return Names(
        those(Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD),
        those(Parameter.KEYWORD_ONLY),
        next(iter(those(Parameter.VAR_POSITIONAL)), None),
        next(iter(those(Parameter.VAR_KEYWORD)), None),
    )


def looks_sensitive(name: str) -> bool:
    """Return whether Django's patterns take something of that name for sensitive."""
    return bool(_PATTERNS.search(name))


def hides(task: JobTask, name: str) -> bool:
    """Return whether the argument of that name is not shown."""
    names = names_of(task.func, task.takes_context)
    # What `**options` takes in is as sensitive as `options`.
    declared = name if name in names.all() else names.keywords
    return name in task.sensitive or declared in task.sensitive or looks_sensitive(name)


def shown_parameters(task: JobTask) -> str:
    """Return what a task is enqueued with, as in ``(day, *, dry_run=False)``, without defaults that are not shown."""
    found = task.signature()
    shown = [it.replace(annotation=Parameter.empty, default=_default(task, it)) for it in found.parameters.values()]
    return str(found.replace(parameters=shown, return_annotation=Signature.empty))


def _default(task: JobTask, parameter: Parameter) -> Any:
    is_hidden = parameter.default is not Parameter.empty and hides(task, parameter.name)
    return _Hidden() if is_hidden else parameter.default


class _Hidden:
    def __repr__(self) -> str:
        return "…"


def name_at(task: JobTask, position: int) -> str:
    """Return the name of the argument that a task was given at a position, '' for one too many."""
    return names_of(task.func, task.takes_context).at(position)


def shown(value: Any) -> Any:
    """Return a value without what Django's patterns take for sensitive in the objects of it."""
    if isinstance(value, Mapping):
        return {key: SUBSTITUTE if looks_sensitive(str(key)) else shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value


def shown_call(task: JobTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call as they may be shown."""
    hidden = {name: hides(task, name) for name in kwargs}
    return (
        [SUBSTITUTE if hides(task, name_at(task, number)) else shown(value) for number, value in enumerate(args)],
        {name: SUBSTITUTE if hidden[name] else shown(value) for name, value in kwargs.items()},
    )
