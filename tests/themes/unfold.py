"""Settings of a project whose admin is django-unfold."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = ["unfold", *INSTALLED_APPS]
# Themes have scripts and styles in their pages; none of them can be used under a policy as strict as ours.
SECURE_CSP = {}
