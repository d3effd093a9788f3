"""The form that runs a task: a field for each of its parameters, and what an enqueue may choose.

It is made from the signature of the function itself, which is there because its task was declared in this process.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from inspect import Parameter
from itertools import takewhile
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.tasks.exceptions import InvalidTask
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..backend import backend_of
from ..errors import JobQueueError
from ..payload import dump_arguments
from ..redaction import hides
from ..sentences import said, translated
from ..spelling import spelled
from ..strict import NotStrict, read
from ..task import JobTask

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_PREFIX = "parameter-"
_LONGEST_HINT = 120
_LONGEST_DELAY = 365 * 24 * 3600
_MISSING = object()


class _SentBack(forms.Field):
    """A field that shows what is not seen of what was typed, when the form is shown once more."""

    def prepare_value(self, value: Any) -> Any:
        """Return the text to edit."""
        return spelled(value) if isinstance(value, str) else value


class _Text(_SentBack, forms.CharField):
    pass


class _Number(_SentBack, forms.IntegerField):
    pass


class RunForm(forms.Form):
    """Asks for the arguments of a call; ``call`` is what was given, once the form is valid."""

    queue = _Text(required=False, max_length=128, label=gettext_lazy("Queue"))
    priority = _Number(required=False, min_value=-100, max_value=100, label=gettext_lazy("Priority"))
    delay = _Number(
        required=False,
        min_value=0,
        max_value=_LONGEST_DELAY,
        label=gettext_lazy("Delay"),
        help_text=gettext_lazy("Seconds from now on; empty is none."),
    )
    confirmed = forms.BooleanField(
        label=gettext_lazy("Yes, enqueue a job with these arguments"),
        error_messages={"required": gettext_lazy("Nothing was enqueued yet: look at it once more, and say yes.")},
    )

    def __init__(self, task: JobTask, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.task = task
        self.call: tuple[list[Any], dict[str, Any]] = [], {}
        self._parameters = list(task.signature().parameters.values())
        own = {_PREFIX + it.name: ArgumentField(it, hidden=hides(task, it.name)) for it in self._parameters}
        self.fields = {**own, **self.fields}
        if (backend := backend_of(task.backend)) and backend.queues:
            names = [("", "–"), *((name, spelled(name)) for name in sorted(backend.queues))]
            unknown = {"invalid_choice": _("There is no such queue.")}
            self.fields["queue"] = forms.ChoiceField(
                required=False, choices=names, label=_("Queue"), error_messages=unknown
            )
        self.fields["queue"].help_text = _("Empty is that of the task: %(queue)s.") % {
            "queue": spelled(task.queue_name)
        }
        self.fields["priority"].help_text = _("Empty is that of the task: %(number)s.") % {"number": task.priority}

    def arguments(self) -> list[forms.BoundField]:
        """Return the fields of the parameters."""
        return [self[name] for name in self.fields if name.startswith(_PREFIX)]

    def choices(self) -> list[forms.BoundField]:
        """Return the fields of what an enqueue may choose."""
        return [self[name] for name in ("queue", "priority", "delay")]

    def clean(self) -> dict[str, Any]:
        """Put the arguments together, and have the signature and the limits of a job say whether they are a call."""
        cleaned = super().clean() or {}
        if not any(name.startswith(_PREFIX) for name in self.errors):
            self.call = self._call({it.name: cleaned[_PREFIX + it.name] for it in self._parameters})
        if not any(name.startswith(_PREFIX) for name in self.errors):
            try:
                self.task.signature().bind(*self.call[0], **self.call[1])
                backend = backend_of(self.task.backend)
                if backend is not None:
                    dump_arguments(*self.call, limit=backend.settings.max_argument_bytes)
            except (TypeError, JobQueueError) as error:
                self.add_error(None, spelled(str(error)))
        return cleaned

    def chosen(self) -> JobTask:
        """Return the task with what was chosen; raises InvalidTask."""
        delay = self.cleaned_data["delay"]
        run_after: datetime | None = timezone.now() + timedelta(seconds=delay) if delay else None
        return self.task.using(
            queue_name=self.cleaned_data["queue"] or None, priority=self.cleaned_data["priority"], run_after=run_after
        )

    def refuse(self, error: InvalidTask | JobQueueError) -> None:
        """Say why the call was not enqueued."""
        self.add_error(None, spelled(str(error)))

    def _call(self, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return a call: by position as far as nothing is left out, by name behind that."""
        in_order = [it for it in self._parameters if it.kind in _BY_POSITION]
        first = list(takewhile(lambda it: given[it.name] is not _MISSING, in_order))
        behind = in_order[len(first) :]
        rest: list[Any] = self._rest(given, Parameter.VAR_POSITIONAL, [])
        has_no_name = [it for it in behind if it.kind is Parameter.POSITIONAL_ONLY and given[it.name] is not _MISSING]
        if behind and (rest or has_no_name):
            self._refuse(behind[0].name, _("What comes behind it is given by position, so this has to be given, too."))
        named = [*behind, *(it for it in self._parameters if it.kind is Parameter.KEYWORD_ONLY)]
        kwargs = {it.name: given[it.name] for it in named if given[it.name] is not _MISSING}
        return [given[it.name] for it in first] + rest, self._rest(given, Parameter.VAR_KEYWORD, {}) | kwargs

    def _rest(self, given: dict[str, Any], kind: Any, none: Any) -> Any:
        """Return what is given in place of ``*args`` or ``**kwargs``; a name that has a field of its own is refused."""
        taken = {it.name for it in self._parameters if it.kind in _NAMED}
        for it in self._parameters:
            if it.kind is kind and given[it.name] is not _MISSING:
                if kind is Parameter.VAR_KEYWORD and (twice := sorted(taken & set(given[it.name]))):
                    self._refuse(
                        it.name, _("These have a field of their own: %(names)s.") % {"names": ", ".join(twice)}
                    )
                return given[it.name]
        return none

    def _refuse(self, name: str, text: str) -> None:
        self.add_error(_PREFIX + name, text)


class ArgumentField(forms.CharField):
    """The value of a parameter as JSON; as it is, where a text is wanted."""

    def __init__(self, parameter: Parameter, *, hidden: bool) -> None:
        self._parameter = parameter
        self._wants = _wanted(parameter)
        self._hidden = hidden
        super().__init__(
            label=_label(parameter),
            required=False,
            strip=False,
            # What was typed is not sent back: whoever corrects something else types it again.
            widget=forms.PasswordInput(attrs={"autocomplete": "off"}) if hidden else _box(parameter),
            help_text=_hint(parameter, self._wants, hidden=hidden),
        )

    def prepare_value(self, value: Any) -> Any:
        """Return the text to edit, with what is not seen spelled so that it is read as what it was."""
        if not isinstance(value, str) or (told := spelled(value)) == value:
            return value
        return json.dumps(value) if self._wants is str else told

    def to_python(self, value: Any) -> Any:
        """Return the value that was given, and what stands for none; raises ValidationError beside the field."""
        text = str(super().to_python(value))
        if not text.strip():
            return self._nothing()
        if self._wants is str:
            return _text(text)
        try:
            found = read(text)
        except NotStrict as why:
            raise ValidationError(self._not_read(text), params={"why": translated(said(why))}) from None
        if self._wants in (list, dict) and not isinstance(found, self._wants):
            wanted = _("a list: […]") if self._wants is list else _("an object: {…}")
            raise ValidationError(_("This has to be %(wanted)s."), params={"wanted": wanted})
        return found

    def _not_read(self, text: str) -> str:
        plain = text.strip()
        if self._hidden or plain[:1] in ('"', "[", "{"):
            return _("This is not read: %(why)s.")
        quoted = spelled(json.dumps(_short(plain), ensure_ascii=False)).replace("%", "%%")
        return _("This is not read: %(why)s. A text goes into quotes: %(quoted)s").replace("%(quoted)s", quoted)

    def _nothing(self) -> Any:
        is_wanted = self._parameter.kind in (*_BY_POSITION, *_NAMED) and self._parameter.default is Parameter.empty
        if is_wanted:
            raise ValidationError(_("This has to be given."))
        return _MISSING


def _wanted(parameter: Parameter) -> type | None:
    """Return the type that the field is read as, None for any JSON."""
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return list
    if parameter.kind is Parameter.VAR_KEYWORD:
        return dict
    # Annotations may be texts, and are read no further than this: they are code of the project's, but nobody calls it.
    words = {word.strip() for word in _annotation(parameter).split("|")}
    return str if "str" in words and words <= {"str", "None"} else None


def _text(text: str) -> Any:
    """Return a text as it was typed, or what stands in quotes: so an empty one can be given."""
    plain = text.strip()
    if plain.startswith('"') and plain.endswith('"') and len(plain) > 1:
        try:
            return read(plain)
        except NotStrict:
            return text
    return text


def _label(parameter: Parameter) -> str:
    stars: dict[Any, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
    return stars.get(parameter.kind, "") + parameter.name


def _box(parameter: Parameter) -> forms.Widget:
    return forms.Textarea(attrs={"rows": 2, "class": "jq-json", "spellcheck": "false"})


def _hint(parameter: Parameter, wants: type | None, *, hidden: bool) -> str:
    """Return what a value looks like, which type the function wants, and what it takes when nothing is given."""
    kinds: dict[Any, Callable[[], str]] = {
        str: lambda: _('A text, as it is; "" is an empty one.'),
        list: lambda: _("A list as JSON: […]."),
        dict: lambda: _("An object as JSON: {…}."),
        None: lambda: _('JSON: 5, true, null, "a text", […], {…}.'),
    }
    parts = [kinds[wants]()]
    if annotation := _annotation(parameter):
        parts.append(_("Type: %(type)s.") % {"type": annotation})
    if parameter.default is not Parameter.empty:
        default = _("its default") if hidden else _short(repr(parameter.default))
        parts.append(_("Empty is %(default)s.") % {"default": default})
    return spelled(" ".join(parts))


def _annotation(parameter: Parameter) -> str:
    found = parameter.annotation
    if found is Parameter.empty:
        return ""
    return _short(found if isinstance(found, str) else inspect.formatannotation(found))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_HINT else f"{text[:_LONGEST_HINT]}…"
