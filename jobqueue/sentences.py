"""Sentences that are English in a log, in a shell and in an error, and in the admin in the language of who reads it.

What is no door of people must not translate: in a worker nobody knows who will read it.
"""

from __future__ import annotations

from typing import Any, Self

from django.utils.translation import gettext


class Sentence(str):
    """An English text that keeps of what it was made: ``Sentence("There is no queue %(name)r.", name="mial")``."""

    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, /, **values: Any) -> Self:
        """Return the English text."""
        made = super().__new__(cls, pattern % values)
        made.pattern, made.values = pattern, values
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # In another process it is a plain text.
        return str, (str(self),)


def said(error: BaseException) -> str:
    """Return what an error says; the sentence that it was given, if it was given one."""
    return error.args[0] if error.args and isinstance(error.args[0], Sentence) else str(error)


def translated(text: str) -> str:
    """Return a sentence in the language that is active, with all sentences in it; any other text as it is."""
    if not isinstance(text, Sentence):
        return text
    values = {name: translated(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return gettext(text.pattern) % values
