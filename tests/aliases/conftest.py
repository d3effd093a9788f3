"""The suite in here runs on settings of its own, in a process that one test starts for each pair of databases."""

from __future__ import annotations

from django.conf import settings

collect_ignore = [] if "jobs" in settings.DATABASES else ["suite"]
