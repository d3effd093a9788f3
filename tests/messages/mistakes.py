"""What is wrong with a catalog, each in a sentence. Knows no language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from babel.messages import Catalog
from babel.messages.catalog import Message

PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sdr]|\{\w*\}")
MARKUP = re.compile(r"</?\w[^>]*>|&#?\w+;")
_EDGES = re.compile(r"^\s*|\s*$")


def mistakes(catalog: Catalog, template: Catalog) -> list[str]:
    """Return what keeps a catalog from saying all that the code says, and nothing else."""
    wrong = [f"is not in the catalog: {_name(it)}" for it in template if it.id and _twin(catalog, it) is None]
    wrong += [f"is not in the code any more: {_name(it)}" for it in catalog if it.id and _twin(template, it) is None]
    return wrong + [f"{what}: {_name(it)}" for it in catalog if it.id for what in _mistakes_of(it, catalog.num_plurals)]


def _mistakes_of(message: Message, plurals: int) -> Iterator[str]:
    if message.fuzzy:
        yield "is fuzzy, so it is to be looked at, and the word “fuzzy” removed"
    ids, strings = _texts(message.id), _texts(message.string)
    if not all(strings) or len(strings) != (plurals if message.pluralizable else 1):
        yield "is not translated"
        return
    for what, pattern in (("placeholders", PLACEHOLDER), ("markup", MARKUP), ("white space at its ends", _EDGES)):
        wanted = [sorted(pattern.findall(text)) for text in ids]
        found = [sorted(pattern.findall(text)) for text in strings]
        # One may be told without its number; the last form is of many.
        if found[-1] != wanted[-1] or any(each not in wanted for each in found):
            yield f"has other {what} in the translation"


def _twin(catalog: Catalog, message: Message) -> Message | None:
    return catalog.get(message.id, message.context)


def _texts(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    if text is None:  # Of a message with plurals that is new.
        return []
    return [text] if isinstance(text, str) else list(text)


def _name(message: Message) -> str:
    return repr(_texts(message.id)[0]) + (f" ({message.context})" if message.context else "")
