"""A thread that does the same again and again until it is stopped, whatever becomes of the database."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from django.db import DatabaseError, InterfaceError, connection


class Rounds(threading.Thread, ABC):
    """Does one round after the other; one that a broken connection ends is not the last."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._over = threading.Event()

    def run(self) -> None:
        """Go round until stopped."""
        while not self._over.wait(self._pause()):
            try:
                self._round()
            except (DatabaseError, InterfaceError):
                connection.close()
        connection.close()

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join()

    @abstractmethod
    def _pause(self) -> float:
        """Return how many seconds to wait before the next round."""

    @abstractmethod
    def _round(self) -> None:
        """Do what is to be done again and again."""
