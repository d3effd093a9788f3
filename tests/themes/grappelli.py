"""Settings of a project whose admin is django-grappelli."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = ["grappelli", *INSTALLED_APPS]
SECURE_CSP = {}
ROOT_URLCONF = "tests.themes.grappelli_urls"
