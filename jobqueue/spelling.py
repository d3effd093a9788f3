"""Text of strangers for where no markup may be: characters that hide, reorder or control what is shown are spelled."""

from __future__ import annotations

import re
import unicodedata

# Control characters (ANSI sequences begin with one), formats (bidirectional overrides, zero widths, tags), halves of
# surrogate pairs, and the two separators that browsers break lines at.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
PERHAPS_UNSEEN = re.compile(r"[^\x20-\x7e\n\t]")
_PERHAPS_BREAKING = re.compile(r"[^\x20-\x7e]")


def spelled(text: str) -> str:
    r"""Return a text in which unseen characters are spelled as in ``\u202e``; line breaks and tabs stay."""
    return PERHAPS_UNSEEN.sub(lambda match: spelling(match[0]) or match[0], text)


def on_one_line(text: str) -> str:
    """Return a text with all unseen characters spelled, line breaks and tabs too."""
    return _PERHAPS_BREAKING.sub(lambda match: spelling(match[0]) or match[0], text)


def spelling(character: str) -> str:
    """Return how an unseen character is spelled, '' for one that is seen."""
    if unicodedata.category(character) not in _UNSEEN:
        return ""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
