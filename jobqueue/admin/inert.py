"""Others' text as inert HTML: no markup, and no character that hides, reorders or controls what is shown."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

# Control characters (ANSI sequences begin with one), formats (bidirectional overrides, zero widths, tags), halves of
# surrogate pairs, and the two separators that browsers break lines at.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PERHAPS = re.compile(r"[^\x20-\x7e\n\t]")


def inert(text: str, *, most: int = 200_000) -> SafeString:
    r"""Return a text as HTML in which unseen characters are spelled as in ``\u202e``; at most ``most`` characters."""
    more = len(text) - most
    html = _PERHAPS.sub(_marked, escape(text[:most]))
    if more > 0:
        html += escape(_(" … and %(count)s more characters") % {"count": f"{more:,}"})
    return mark_safe(html)  # noqa: S308  (escaped above)


def spelled(text: str) -> str:
    """Return a text with unseen characters spelled, for where no markup may be."""
    return _PERHAPS.sub(lambda match: _spelling(match[0]) or match[0], text)


def breakable(path: str) -> SafeString:
    """Return a dotted path that is broken after a dot where a line is too short for it."""
    return mark_safe(inert(path).replace(".", ".<wbr>"))  # noqa: S308  (inert, and a constant)


def as_json(value: Any) -> SafeString:
    """Return a value as indented JSON in inert HTML."""
    return inert(json.dumps(value, indent=2, ensure_ascii=False))


def call_text(arguments: str, *, most: int) -> str:
    """Return the beginning of a job's arguments (JSON that may be cut off after ``most``) as a call: ``(1, key=2)``."""
    try:
        stored = json.loads(arguments)
        parts = [json.dumps(value, ensure_ascii=False) for value in stored["args"]]
        parts += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in stored["kwargs"].items()]
    except (ValueError, TypeError, KeyError, AttributeError):
        return re.sub(r'^\{"args": ?\[', "(", arguments[:most]) + "…"
    return f"({', '.join(parts)})"


def _spelling(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return ""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _marked(match: re.Match[str]) -> str:
    spelling = _spelling(match[0])
    return f'<span class="jq-unseen">{spelling}</span>' if spelling else match[0]
