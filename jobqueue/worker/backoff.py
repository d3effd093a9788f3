"""The default delay before the next attempt of a job that failed."""

from __future__ import annotations

import random

_FIRST_CEILING = 2.0
_LAST_CEILING = 600.0


def default_backoff(failures: int) -> float:
    """Return a delay in seconds after so many failures: exponential with full jitter, up to ten minutes."""
    ceiling = min(_LAST_CEILING, _FIRST_CEILING * 2 ** min(failures - 1, 20))
    return random.uniform(0, ceiling)  # noqa: S311  (it spreads load; nobody must be unable to guess it)
