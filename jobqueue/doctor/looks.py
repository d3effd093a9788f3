"""A look at one thing, in a thread and on a connection of its own, for so many seconds at most."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connections

from ..database import connection, give_up_after
from .finding import Finding

# A server that gives a statement up in time says more than a thread that is waited for no longer.
_SERVERS_SHARE = 0.8


class TookTooLong(Exception):
    """The look was not over in its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look, by its name: `at()` yields what it finds. It is left out when what it ``needs`` was found wanting.

    When it finds a problem, or fails, all that need what it ``opens`` are left out.
    """

    about: str
    at: Callable[[], Iterable[Finding]]
    needs: frozenset[str] = frozenset()
    opens: str = ""
    failing: Callable[[str], Finding] | None = None


def take(look: Look, seconds: float) -> list[Finding]:
    """Return what a look finds; raises TookTooLong, or what the look raises."""
    findings: list[Finding] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            if "database" in look.needs or look.opens == "database":
                give_up_after(connection(), seconds * _SERVERS_SHARE)
            findings.extend(look.at())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name=f"jobqueue-doctor-{look.about}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TookTooLong(f"It was not over in {seconds:g} s.")
    if errors:
        raise errors[0]
    return findings
