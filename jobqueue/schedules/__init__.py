"""What happens to schedules: they tick, are run by hand, paused, resumed, and told what the code declares.

A tick is one transaction: an entry of the ledger that there can be once, the job, and the row's step to its next tick.
So however many workers look, and whenever one dies, each run happens once. What schedules say is in ``planning``.
"""

from __future__ import annotations

from .look import Due, Outlook, due, find, outlook
from .operate import pause, resume, run_now
from .publish import publish_declared
from .tick import Ticked, find_fault, tick

__all__ = [
    "Due",
    "Outlook",
    "Ticked",
    "due",
    "find",
    "find_fault",
    "outlook",
    "pause",
    "publish_declared",
    "resume",
    "run_now",
    "tick",
]
