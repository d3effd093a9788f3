"""What a fault of the drill is: what happens, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault and its promise.

    runs: how often each job must be started, where what is counted does not say so itself.
    renewals: how many of these there must be at least.
    late: whether there are runs that wake up when the job is another's: each is refused its write, or ends before.
    within: from the lease to the seconds after which a job must be safe again; None when nothing is to recover.
    """

    title: str
    happen: Callable[[Scene], None]
    runs: int | None = None
    renewals: int = 0
    late: bool = False
    within: Callable[[float], float] | None = None
    needs_redis: bool = False
