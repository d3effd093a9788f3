"""The verbs of `manage.py jobs`, a family a file. Each takes what was asked and returns an Answer; none prints."""

from __future__ import annotations

from . import acting, deciding, doctor, looking, pausing, scheduling
from .verbs import Answer, Verbs

FAMILIES = (looking, acting, deciding, pausing, scheduling, doctor)

__all__ = ["FAMILIES", "Answer", "Verbs"]
