"""The sensitive values of one call, and how they are taken out of texts: tracebacks, log lines, notes, results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import InvalidRow
from .redaction import SUBSTITUTE, hides, looks_sensitive, name_at

if TYPE_CHECKING:
    from .task import JobTask

# A value that is shorter than this is replaced only where it stands alone, …
_LONG = 8
# … and one that is shorter than this is everywhere.
_SHORTEST = 4
# To look for more than this many in more than this much would take too long.
_MOST = 500
_LONGEST_TEXT = 512 * 1024
_PLAIN = re.compile(r"[\w .,:;=+@#-]+", re.ASCII)
# A value may be in a repr that is in JSON that is in a repr. The bound keeps a search linear.
_ESCAPED = r"\\{1,16}"
_PIECES = re.compile(r"(\\+)|([\"'/`$])|([^\x20-\x7e])|(.)", re.DOTALL)
_BY_LETTER = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\b": "b"}


class _Secret(NamedTuple):
    text: str
    part: str  # Where this is not, the whole is not either.
    pattern: re.Pattern[str] | None


class Secrets:
    """The texts of one call that no text for people may have in it. They are looked for when they are asked for."""

    def __init__(self, task: JobTask, call: Callable[[], tuple[Sequence[Any], Mapping[str, Any]]]) -> None:
        self._task = task
        self._call = call

    def out_of(self, text: str) -> str:
        """Return a text without them; of one that is huge, the end, and nothing when they are too many."""
        if len(self._secrets) > _MOST:
            return f"Not told: more than {_MOST} sensitive values were given to the job."
        is_cut = bool(self._secrets) and len(text) > _LONGEST_TEXT
        if is_cut:
            text = text[-_LONGEST_TEXT:]
        for secret, part, pattern in self._secrets:
            if part in text:
                text = pattern.sub(SUBSTITUTE, text) if pattern else text.replace(secret, SUBSTITUTE)
        # It may begin with the end of one.
        return text[-_LONGEST_TEXT // 4 :] if is_cut else text

    def out_of_value(self, value: Any) -> Any:
        """Return a value of JSON without them in any of its texts."""
        if isinstance(value, Mapping):
            return {self.out_of(str(key)): self.out_of_value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.out_of_value(item) for item in value]
        if isinstance(value, bool | None):
            return value
        cleaned = self.out_of(str(value))
        return value if cleaned == str(value) else cleaned

    @cached_property
    def _secrets(self) -> list[_Secret]:
        # The longest first: one may be a part of another.
        return [_secret(text) for text in sorted(set(self._texts()), key=len, reverse=True)]

    def _texts(self) -> Iterator[str]:
        try:
            args, kwargs = self._call()
        except InvalidRow:
            return  # No body was ever given them.
        named = [*((name_at(self._task, number), value) for number, value in enumerate(args)), *kwargs.items()]
        for name, value in named:
            for text in _leaves(value) if hides(self._task, name) else _guessed(value):
                # In a traceback, the lines of a text may be indented.
                for each in (text, *map(str.strip, text.splitlines())):
                    if len(each) >= _SHORTEST and each not in SUBSTITUTE:
                        yield each


def _secret(text: str) -> _Secret:
    whole = _PLAIN.fullmatch(text)
    if whole and len(text) >= _LONG:
        return _Secret(text, text, None)
    part = max(_PLAIN.findall(text), key=len, default="")
    pattern = "".join(_piece(match) for match in _PIECES.finditer(text))
    if len(text) < _LONG:
        pattern = rf"(?<![^\W_]){pattern}(?![^\W_])"
    return _Secret(text, part, re.compile(pattern))


def _piece(match: re.Match[str]) -> str:
    """Return what matches a piece of a text as it is, and escaped as in reprs, in JSON and in shells."""
    slashes, quote, odd, _ = match.groups()
    if slashes:
        return _ESCAPED
    if quote:
        return rf"\\{{0,16}}{re.escape(quote)}"
    if odd:
        return f"(?:{'|'.join([re.escape(odd), *(_ESCAPED + spelt for spelt in _spellings(odd))])})"
    return re.escape(match[0])


def _spellings(character: str) -> list[str]:
    """Return how a character is spelled behind a backslash."""
    if character in _BY_LETTER:
        return [_BY_LETTER[character]]
    code = ord(character)
    pair = character.encode("utf-16-be", "surrogatepass").hex()
    in_json = f"(?i:u{pair[:4]})" + (f"{_ESCAPED}(?i:u{pair[4:]})" if code > 0xFFFF else "")
    return [in_json, f"(?i:x{code:02x})" if code < 0x100 else f"(?i:U{code:08x})"]


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a value as text."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _guessed(value: Any) -> Iterator[str]:
    """Yield what Django's patterns take for sensitive in the objects of a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item) if looks_sensitive(str(key)) else _guessed(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _guessed(item)
