"""Lets executors that were frozen write when they wake up, so that the database is seen to refuse it.

Others end themselves before (jobqueue/worker/executor/conscience.py), and hardly ever come so far. The demo asks for it
by a variable of the environment, for its own workers alone.
"""

from __future__ import annotations

import os

VARIABLE = "DEMO_WRITES_LATE"


def allow_if_asked() -> None:
    """Leave nothing but the database to stop late writes of this process, if the environment asks for that."""
    if VARIABLE not in os.environ:
        return
    # Here, for who only asks for it needs no part of a worker.
    from jobqueue.worker.executor.conscience import Conscience

    Conscience.run = lambda self: None  # type: ignore[method-assign]
