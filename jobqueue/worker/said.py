"""Warns of what lasts once, and not again and again: a server that went may be full when it comes back."""

from __future__ import annotations

import logging

logger = logging.getLogger("jobqueue.worker")


class Said:
    """What was said last about each thing that is in trouble. Each thread has one of its own."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, ...]] = {}

    def warn(self, about: str, message: str, *args: str) -> None:
        """Log a warning about something, unless it is what was said of it last."""
        said = (message, *args)
        if self._last.get(about) != said:
            self._last[about] = said
            logger.warning(message, *args, stacklevel=2)

    def over(self, about: str) -> None:
        """Take note that it is well again: the same trouble, when it comes back, is said anew."""
        self._last.pop(about, None)
