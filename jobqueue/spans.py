"""Spans of time, which may be given as seconds or as a timedelta. Imports nothing of the package."""

from __future__ import annotations

from datetime import timedelta


def seconds_of[T](span: T | timedelta) -> T | float:
    """Return the seconds of a timedelta, and anything else as it is: the caller asks whether it is a number."""
    return span.total_seconds() if isinstance(span, timedelta) else span
