"""One Leases and one Wake for each set of options in a process: connection pools are shared by its threads."""

from __future__ import annotations

from functools import cache

from ..conf import Options
from .leases import Leases
from .wake import Wake


@cache
def leases_of(options: Options) -> Leases | None:
    """Return the leases of a backend, None when its OPTIONS["REDIS"] is None."""
    return None if options.redis is None else Leases(options.redis, options)


@cache
def wake_of(options: Options) -> Wake | None:
    """Return the wake lists of a backend, None when its OPTIONS["REDIS"] is None."""
    return None if options.redis is None else Wake(options.redis, options)
