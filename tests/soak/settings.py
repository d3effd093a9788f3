"""The settings of every process of a soak: the suite's, with nothing installed but what is soaked."""

from __future__ import annotations

from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import TASKS

from .plan import current

INSTALLED_APPS = ["jobqueue", "tests.soak"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = None
TASKS = {
    "default": {
        **TASKS["default"],
        "QUEUES": ["default"],
        "OPTIONS": {
            "REDIS": "default",
            "LEASE_SECONDS": current().lease_seconds,
            "MAX_CRASHES": 3,
            "KEY_PREFIX": "soak",
            # The soak prunes by itself, after it has looked.
            "RETENTION_DAYS": None,
        },
    }
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "jobqueue": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # Every job that fails as it should would leave a traceback.
        "django.tasks": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
