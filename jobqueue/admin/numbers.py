"""Numbers, as people write them in the language of the page."""

from __future__ import annotations

from django.utils.formats import number_format


def number(value: float, places: int = 0) -> str:
    """Return a number in groups of thousands, rounded to so many places."""
    rounded = round(value, places) if places else round(value)
    return str(number_format(rounded, places or None, force_grouping=True))
