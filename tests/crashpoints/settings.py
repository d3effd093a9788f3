"""Settings of the processes that are broken: the suite's, but nothing becomes poison.

A worker that is starved for half a second on a busy machine is rescued, for the sweep has it live on a short lease.
"""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import TASKS

for backend in TASKS.values():
    backend["OPTIONS"]["MAX_CRASHES"] = 100
