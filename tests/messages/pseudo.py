"""A language in which every text that can be translated is ⟦marked⟧: what is not marked on a page cannot be.

Placeholders and markup stay outside the marks, so that what is put into a text has to be marked by itself.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo

from tests.messages.catalogs import of_django
from tests.messages.mistakes import MARKUP, PLACEHOLDER

CODE = "xx"
MARKED = re.compile(r"⟦[^⟦⟧]*(?:⟧|$)")
_KEPT = re.compile(f"({PLACEHOLDER.pattern}|{MARKUP.pattern})")


def write(directory: Path, texts: Catalog) -> None:
    """Write a catalog in which all these texts are marked, and Django's own, below a directory for LOCALE_PATHS."""
    marked = Catalog(locale="en")
    for catalog in (*of_django("en"), texts):
        for message in catalog:
            if message.id:
                ids = (message.id,) if isinstance(message.id, str) else message.id
                # How a date is written is no text.
                told = ids if message.context == "date format" else tuple(map(mark, ids))
                marked.add(message.id, told[0] if len(told) == 1 else told, context=message.context)
    folder = directory / CODE / "LC_MESSAGES"
    folder.mkdir(parents=True)
    file = BytesIO()
    write_mo(file, marked)
    (folder / "django.mo").write_bytes(file.getvalue())


def mark(text: str) -> str:
    """Return a text with marks around all that is said in it."""
    return "".join(
        part if _KEPT.fullmatch(part) or not part.strip() else f"⟦{part}⟧" for part in _KEPT.split(text) if part
    )
