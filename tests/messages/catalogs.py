"""The catalogs of the languages, as they are stored: `.po`, which people edit, and `.mo`, which Django reads."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileParser, read_po, write_po

from tests.messages.code import APP

LOCALES = APP / "locale"
_OF_DJANGO = ("conf", "contrib/admin", "contrib/auth", "contrib/contenttypes")
_KEPT = {"Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}


class LastingCatalog(Catalog):
    """A catalog that says nothing of when and by what it was written, so that the same texts make the same file."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What stands above the texts."""
        return [(name, value) for name, value in self._get_mime_headers() if name in _KEPT]

    @mime_headers.setter
    def mime_headers(self, value: list[tuple[str, str]]) -> None:
        self._set_mime_headers(value)


def languages() -> list[str]:
    """Return the names of the folders of the languages there are."""
    return sorted(path.name for path in LOCALES.iterdir() if path.is_dir())


def file_of(language: str, kind: str) -> Path:
    """Return the path of a language's catalog; ``kind`` is "po" or "mo"."""
    return LOCALES / language / "LC_MESSAGES" / f"django.{kind}"


def read(language: str) -> Catalog:
    """Return the catalog of a language; an empty one for a language that is new."""
    catalog = LastingCatalog(locale=language, fuzzy=False)
    path = file_of(language, "po")
    if path.exists():
        with path.open(encoding="utf-8") as file:
            PoFileParser(catalog).parse(file)
    for message in catalog:
        # A text's former self, which stands there while it is fuzzy, is read as somebody's comment.
        message.user_comments = [it for it in message.user_comments if not it.lstrip().startswith("|")]
    return catalog


def brought_up_to_date(catalog: Catalog, template: Catalog) -> Catalog:
    """Return the catalog with just the texts of the code: what is new is empty, what was changed a bit is fuzzy."""
    catalog.update(template, update_header_comment=False)
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """Return what is stored for people."""
    file = BytesIO()
    write_po(file, catalog, width=100, ignore_obsolete=True, include_previous=True, include_lineno=False)
    return file.getvalue().rstrip() + b"\n"


def as_mo(catalog: Catalog) -> bytes:
    """Return what is stored for Django."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def of_django(language: str) -> Iterator[Catalog]:
    """Yield Django's own catalogs, those whose texts may be on the same page; of English they hold what is said."""
    for room in _OF_DJANGO:
        path = files("django") / room / "locale" / language / "LC_MESSAGES" / "django.po"
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                yield read_po(file, locale=language)
