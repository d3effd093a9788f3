"""Settings of a project whose database no drill can use; JOBQUEUE_ODD_DATABASE says in which way."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "memory": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "unreachable": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "jobqueue",
            "HOST": "127.0.0.1",
            "PORT": "1",
            "OPTIONS": {"connect_timeout": 2},
        },
    }[os.environ["JOBQUEUE_ODD_DATABASE"]]
}
