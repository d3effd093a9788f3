"""How long finished jobs are kept: by their status, as the settings say, and by their task, where that says more."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Q

from .conf import FINISHED, Options
from .task import registered


class Rule(NamedTuple):
    """Which finished jobs go, and how long ago they have to have finished."""

    older_than: timedelta
    of: Q


def rules(options: Options) -> list[Rule]:
    """Return who goes when, of a backend; tasks that this process does not know go as the settings say."""
    own = {task.module_path: days for task in registered() if (days := task.retention_days) is not None}
    by_days: dict[float, list[str]] = defaultdict(list)
    for path, days in own.items():
        by_days[days].append(path)
    others = ~Q(task_path__in=sorted(own)) if own else Q()
    usual = [options.kept_days(status) for status in FINISHED]
    if len(set(usual)) == 1:
        # No index knows the status of what is finished.
        found = [(usual[0], others)]
    else:
        found = [(days, Q(status=status) & others) for status, days in zip(FINISHED, usual, strict=True)]
    found += [(days, Q(task_path__in=sorted(paths))) for days, paths in sorted(by_days.items())]
    return [Rule(timedelta(days=days), of) for days, of in found if not math.isinf(days)]
