"""Every text that the code marks for translation. Knows no language."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "jobqueue"
_ONE, _TWO, _ONE_IN, _TWO_IN = (1,), (1, 2), ((1, "c"), 2), ((1, "c"), 2, 3)
# What the code calls gettext's functions. A file that needs both kinds has the lazy one as `_` and the other as `__`.
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "__", "gettext", "gettext_lazy", "gettext_noop", "Sentence"), _ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), _TWO),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), _ONE_IN),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), _TWO_IN),
}


def template() -> Catalog:
    """Return a catalog of all texts, in the order of the files, without a translation."""
    found = Catalog()
    for path in sorted([*APP.rglob("*.py"), *APP.rglob("*.html")]):
        for message, context, comments in _messages(path):
            place = (path.relative_to(ROOT).as_posix(), 1)
            found.add(message, locations=[place], auto_comments=comments, context=context)
    return found


def _messages(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None, list[str]]]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # What is no message comes out as words of capitals, which only must not look like blocks of Python.
        source = "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).splitlines())
    for _line, message, comments, context in _extracted(source):
        yield message, context, comments


def _extracted(source: str) -> Iterable[Any]:
    return extract(
        "python", BytesIO(source.encode()), KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )


def unread_calls() -> list[str]:
    """Return where a text is asked for that does not stand there: it can be in no catalog."""
    return [
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)}"
        for path in sorted(APP.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _name(call.func) in KEYWORDS and not _is_read(call)
    ]


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _is_read(call: ast.Call) -> bool:
    spec = KEYWORDS[_name(call.func)]
    places = [place[0] if isinstance(place, tuple) else place for place in spec]
    return len(call.args) >= max(places) and all(
        isinstance(it := call.args[place - 1], ast.Constant) and isinstance(it.value, str) for place in places
    )
