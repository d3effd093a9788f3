"""Settings of a project whose admin is django-jazzmin."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = ["jazzmin", *INSTALLED_APPS]
SECURE_CSP = {}
# It asks nobody but the site that is tested.
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
