"""The suite in here runs on settings of its own, in a process that one test starts for each theme."""

from __future__ import annotations

from django.conf import settings

collect_ignore = [] if settings.SETTINGS_MODULE.startswith("tests.themes.") else ["suite"]
