"""What schedules say, and when that is: known without a row and without a clock. What they do is in ``schedules``.

A *timetable* reckons moments. A *plan* is all that is said of one schedule, and knows its own mistakes. To *declare*
one is to note it in this process. The table of schedules stands on these three, and they know nothing of it.
"""

from __future__ import annotations

from .declare import declared, schedule
from .plan import ALL, LAST, LONGEST_NAME, MOST, PLAN_FIELDS, SKIP, Plan, default_time_zone, no_arguments
from .timetable import LONGEST_CRON, Every, Timetable, cron_of, zone_of

__all__ = [
    "ALL",
    "LAST",
    "LONGEST_CRON",
    "LONGEST_NAME",
    "MOST",
    "PLAN_FIELDS",
    "SKIP",
    "Every",
    "Plan",
    "Timetable",
    "cron_of",
    "declared",
    "default_time_zone",
    "no_arguments",
    "schedule",
    "zone_of",
]
