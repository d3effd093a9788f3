"""Writes docs."""

from __future__ import annotations

from .results import Results


def write(results: Results) -> None:
    """Write."""
