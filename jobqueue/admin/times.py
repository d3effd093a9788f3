"""Moments and spans of time, as people read them."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import pgettext, pgettext_lazy

from .numbers import number

_UNITS = (
    (pgettext_lazy("span of time", "%(count)s d"), 86400),
    (pgettext_lazy("span of time", "%(count)s h"), 3600),
    (pgettext_lazy("span of time", "%(count)s min"), 60),
    (pgettext_lazy("span of time", "%(count)s s"), 1),
)
# A number and its unit stay on one line.
_THIN = "\N{NO-BREAK SPACE}"


def span(seconds: float) -> str:
    """Return a span in its two largest units, as in ``2 min 5 s``; below ten seconds with a decimal."""
    if not isfinite(seconds):
        return "?"
    if abs(seconds) < 0.0995:
        return _told(pgettext("span of time", "%(count)s ms"), number(seconds * 1000))
    if abs(seconds) < 9.95:
        return _told(pgettext("span of time", "%(count)s s"), number(seconds, 1))
    rest = round(abs(seconds))
    parts: list[str] = []
    for text, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(_told(str(text), number(count)) if count else "")
        if len(parts) == 2:
            break
    return ("−" if seconds < 0 else "") + " ".join(filter(None, parts))


def _told(text: str, count: str) -> str:
    return (text % {"count": count}).replace(" ", _THIN)


def between(start: datetime | None, end: datetime | None) -> str:
    """Return the span between two moments, nothing when one of them is missing."""
    return span((end - start).total_seconds()) if start and end else ""


def moment(value: datetime | None, text: str = "") -> SafeString:
    """Return a moment to the second in the current time zone, or the text with that as its tooltip."""
    if value is None:
        return SafeString("–")
    local, shown = _here(value), written(value)
    return format_html(
        '<time datetime="{}" title="{} {}">{}</time>', local.isoformat(), shown, f"{local:%Z}", text or shown
    )


def written(value: datetime) -> str:
    """Return a moment to the second in the current time zone, as plain text."""
    return formatted(_here(value), pgettext("date format", "Y-m-d H:i:s"))


def _here(value: datetime) -> datetime:
    try:
        return localtime(value)
    except (OverflowError, ValueError):  # At the ends of time, where there are no other time zones.
        return value
