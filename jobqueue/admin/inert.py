"""Others' text as inert HTML: no markup, and no character that hides, reorders or controls what is shown."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

from ..spelling import PERHAPS_UNSEEN, spelling
from .numbers import number


def inert(text: str, *, most: int = 200_000) -> SafeString:
    r"""Return a text as HTML in which unseen characters are spelled as in ``\u202e``; at most ``most`` characters."""
    more = len(text) - most
    html = PERHAPS_UNSEEN.sub(_marked, escape(text[:most]))
    if more > 0:
        rest = ngettext("… and %(count)s more character", "… and %(count)s more characters", more)
        html += escape(f" {rest % {'count': number(more)}}")
    return mark_safe(html)  # noqa: S308  (escaped above)


def breakable(path: str) -> SafeString:
    """Return a dotted path that is broken after a dot where a line is too short for it."""
    return mark_safe(inert(path).replace(".", ".<wbr>"))  # noqa: S308  (inert, and a constant)


def as_json(value: Any) -> SafeString:
    """Return a value as indented JSON in inert HTML."""
    return inert(json.dumps(value, indent=2, ensure_ascii=False))


def hidden(text: str) -> str:
    """Return a text for a hidden field of a form, in letters that are seen in whatever shows the page's source."""
    return urllib.parse.quote(text)


def unhidden(value: str) -> str:
    """Return the text that a hidden field stands for."""
    return urllib.parse.unquote(value)


def _marked(match: re.Match[str]) -> str:
    spelt = spelling(match[0])
    return f'<span class="jq-unseen">{spelt}</span>' if spelt else match[0]
