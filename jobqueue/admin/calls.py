"""The beginning of a job's arguments as a call, ``(1, key=2)``: read from JSON that may be cut off at any character."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..redaction import SUBSTITUTE, hides, name_at, shown
from ..task import JobTask

_SPACE = re.compile(r"\s*")
_decode = json.JSONDecoder().raw_decode


def call_text(task: JobTask | None, beginning: str) -> str:
    """Return a call as far as its arguments were read. What is sensitive is not shown, nor an argument of no name.

    ``task`` is None when this process does not know it.
    """
    if task is None:
        return "(…)"
    reader = _Reader(beginning)
    parts: list[str] = []
    try:
        for value in reader.items("args"):
            parts.append(_part(task, name_at(task, len(parts)), value))
        for name, value in reader.pairs("kwargs"):
            parts.append(f"{name}={_part(task, name, value)}")
    except _Cut as cut:
        parts.append(_cut_part(task, cut, len(parts)))
        return f"({', '.join(parts)}"
    except (ValueError, RecursionError):
        return f"({', '.join([*parts, '…'])}"
    return f"({', '.join(parts)})"


def arguments_in(task: JobTask, beginning: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a call, as far as they were read; nothing of what is sensitive."""
    reader = _Reader(beginning)
    try:
        for position, value in enumerate(reader.items("args")):
            if not hides(task, name := name_at(task, position)):
                yield name, shown(value)
        for name, value in reader.pairs("kwargs"):
            if not hides(task, name):
                yield name, shown(value)
    except (_Cut, ValueError, RecursionError):
        return


def _part(task: JobTask, name: str, value: Any) -> str:
    return SUBSTITUTE if hides(task, name) else json.dumps(shown(value), ensure_ascii=False)


def _cut_part(task: JobTask, cut: _Cut, position: int) -> str:
    name = cut.name if cut.name is not None else name_at(task, position)
    # Inside a text there are no names that could make it sensitive.
    text = f"{cut.rest}…" if cut.rest.startswith('"') and not hides(task, name) else "…"
    return text if cut.name is None else f"{cut.name}={text}"


class _Cut(Exception):
    """The text ends within a value."""

    def __init__(self, name: str | None, rest: str) -> None:
        super().__init__()
        self.name = name
        self.rest = rest


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def items(self, key: str) -> Iterator[Any]:
        """Yield the items of the list under the first key."""
        self._expect("{", f'"{key}"', ":", "[")
        while not self._takes("]"):
            yield self._value(None)
            self._takes(",")
        self._takes(",")

    def pairs(self, key: str) -> Iterator[tuple[str, Any]]:
        """Yield the names and values of the object under the next key."""
        self._expect(f'"{key}"', ":", "{")
        while not self._takes("}"):
            name, self._at = _decode(self._text, self._at)
            self._expect(":")
            yield name, self._value(name)
            self._takes(",")

    def _value(self, name: str | None) -> Any:
        self._skip()
        try:
            value, end = _decode(self._text, self._at)
        except ValueError:
            raise _Cut(name, self._text[self._at :]) from None
        if end == len(self._text):
            raise _Cut(name, self._text[self._at :])  # A number may go on.
        self._at = end
        return value

    def _expect(self, *tokens: str) -> None:
        for token in tokens:
            if not self._takes(token):
                raise ValueError(token)

    def _takes(self, token: str) -> bool:
        self._skip()
        found = self._text.startswith(token, self._at)
        self._at += len(token) if found else 0
        return found

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
