"""What people read of a page: its texts, and those of its attributes that are shown or read aloud."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

_SHOWN = ("title", "aria-label", "placeholder", "alt", "data-jq-updated")
# What is typed, stored or run is the same in every language.
_NOT_READ = {"script", "style", "code", "pre", "textarea", "head"}
# Around the pages stands what Django and the project say.
_AROUND = {"header", "nav-sidebar", "footer", "toggle-nav-sidebar"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def texts_of(page: str) -> Iterator[str]:
    """Yield each text of a page."""
    reader = _Reader()
    reader.feed(page)
    yield from reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = self._is_hidden or tag in _NOT_READ or given.get("id") in _AROUND
        if not hidden:
            self.found += [text for name in _SHOWN if (text := given.get(name))]
            if tag == "input" and given.get("type") in ("submit", "button"):
                self.found.append(given.get("value") or "")
        if tag not in _VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self._open and any(tag == name for name, _ in self._open):
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._is_hidden and data.strip():
            self.found.append(data.strip())

    @property
    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]
