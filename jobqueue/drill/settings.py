"""The settings of every process of a drill: the user's, on a database, a key prefix and a lease of the drill's own.

Of the apps only jobqueue is installed, so nothing of the user's runs and nothing of theirs is migrated; the engine and
its options, the caches and the queue's options are as they set them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .plan import current

_plan = current()
_user = import_module(_plan.settings)
globals().update({name: value for name, value in vars(_user).items() if name.isupper()})

INSTALLED_APPS = ["jobqueue", "jobqueue.drill"]
# This module has no addresses either: the user's views would bring their apps with them.
ROOT_URLCONF = __name__
urlpatterns: list[Any] = []

DATABASES = {"default": {**_user.DATABASES[_plan.database], "NAME": _plan.name}}
DATABASE_ROUTERS: list[Any] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_tasks: dict[str, Any] = _user.TASKS[_plan.backend]
TASKS = {
    "default": {
        **_tasks,
        "QUEUES": ["default"],
        "OPTIONS": {
            **_tasks.get("OPTIONS", {}),
            # There is but one database.
            "WRITES_TO": None,
            "UNFENCED_DATABASES": (),
            "KEY_PREFIX": _plan.key_prefix,
            "LEASE_SECONDS": _plan.lease_seconds,
            # A job is broken once and must be let run again, however few chances the user's own jobs have.
            "MAX_ATTEMPTS": 3,
            "MAX_CRASHES": 3,
        },
    }
}

DEBUG = False
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"jobqueue": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
