"""The form of a schedule. What is sensitive is not shown in it: whoever leaves the stars leaves the values."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from ..models import Schedule
from ..redaction import SUBSTITUTE, shown_call
from ..sentences import said, translated
from ..spelling import spelled
from ..strict import NotStrict, Unreadable, read
from .tasks import task_of, task_paths

EDITED = (
    "name",
    "task_path",
    "arguments",
    "cron",
    "every",
    "time_zone",
    "starts_at",
    "ends_at",
    "queue",
    "priority",
    "missed",
    "most",
    "grace",
)
_TEXTS = ("cron", "time_zone", "queue")


class ArgumentsField(forms.CharField):
    """JSON, read as strictly as that of a row."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "widget": forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField jq-json"})})

    def prepare_value(self, value: Any) -> Any:
        """Return the text to edit: with all that is not seen spelled as JSON does."""
        if isinstance(value, str):
            return spelled(value)
        return "" if isinstance(value, Unreadable) else json.dumps(value, indent=1)

    def to_python(self, value: Any) -> Any:
        """Return the value of a text."""
        try:
            return read(super().to_python(value))
        except NotStrict as why:
            raise ValidationError(_("This is not read: %(why)s."), params={"why": translated(said(why))}) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether it is another value."""
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class ScheduleForm(forms.ModelForm):
    """Asks for a task by its name among those that there are, and has the model check the rest."""

    task_path = forms.ChoiceField(choices=lambda: [("", "–"), *((path, path) for path in task_paths())])
    arguments = ArgumentsField()

    class Meta:
        model = Schedule
        fields = EDITED

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in _TEXTS:
            if name in self.initial:
                self.initial[name] = spelled(str(self.initial[name]))
        if "arguments" in self.fields:
            self.fields["task_path"].label = self._label("task_path")
            self.fields["arguments"].label = self._label("arguments")
            self.fields["arguments"].help_text = Schedule._meta.get_field("arguments").help_text
            self.initial["arguments"] = self._shown = _without_secrets(self.instance)

    def clean_arguments(self) -> Any:
        """Return what is given, or what is stored if it is as it was shown; raises ValidationError for other stars."""
        given = self.cleaned_data["arguments"]
        if given == self._shown:
            return self.instance.arguments
        if SUBSTITUTE in json.dumps(given):
            raise ValidationError(_("Where there are stars, give the true values: what is sensitive is not shown."))
        return given

    def add_error(self, field: Any, error: Any) -> None:
        """Add an error; of a field that is not edited here it is one of the whole form."""
        by_field = getattr(error, "error_dict", None)
        if by_field is not None and field is None:
            for name, errors in by_field.items():
                for each in errors:
                    each.message = translated(each.message)
                withheld = name == "arguments" and name not in self.fields
                told = _("The arguments do not fit, and you may not view them.") if withheld else errors
                super().add_error(name if name in self.fields else None, told)
        else:
            super().add_error(field if field in self.fields or field in (None, NON_FIELD_ERRORS) else None, error)

    def _label(self, name: str) -> str:
        field: Any = Schedule._meta.get_field(name)
        return str(field.verbose_name).capitalize()


def _without_secrets(row: Schedule) -> Any:
    task = task_of(row.task_path)
    try:
        args, kwargs = row.plan.call()
    except ValueError:
        return row.arguments if isinstance(row.arguments, Unreadable) else {"args": [], "kwargs": {}}
    if task is None:
        # Nobody knows which are sensitive.
        args, kwargs = [SUBSTITUTE] * len(args), dict.fromkeys(kwargs, SUBSTITUTE)
    else:
        args, kwargs = shown_call(task, args, kwargs)
    return {"args": args, "kwargs": kwargs}
