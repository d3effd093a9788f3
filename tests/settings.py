"""Settings of the suite: the demo's, on a database and a key prefix of its own.

DATABASE_URL names the server (SQLite without it), REDIS_URL the Redis (an embedded one without it). Workers that
a test starts run on these settings too; they find its database in JOBQUEUE_TEST_DATABASE.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from tests.mutants import hook

hook.install()  # Before anything of jobqueue is loaded.

from project.settings import *  # noqa: E402, F403
from project.settings import CACHES, DATABASES, INSTALLED_APPS, MIDDLEWARE, TASKS  # noqa: E402

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.app"]
# A project may be as strict as this; the browser tests see whether the pages keep to it.
SECURE_CSP = {"default-src": ["'self'"]}
MIDDLEWARE = [*MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]

# Set by tests/plugin.py; the other values serve `manage.py` commands that are run on these settings by hand.
RUN = os.environ.get("JOBQUEUE_TEST_RUN", str(os.getpid()))
DIRECTORY = os.environ.get("JOBQUEUE_TEST_DIRECTORY", tempfile.gettempdir())
# Each xdist process has its own database (pytest-django adds the suffix), so it needs its own keys too.
KEY_PREFIX = f"test:{RUN}:{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

database: dict[str, Any] = DATABASES["default"]
database["CONN_MAX_AGE"] = 0
if "JOBQUEUE_TEST_DATABASE" in os.environ:
    database["NAME"] = os.environ["JOBQUEUE_TEST_DATABASE"]
elif "sqlite" in database["ENGINE"]:
    # A file, not :memory:, for worker processes share it.
    database["NAME"] = f"{DIRECTORY}/{RUN}.sqlite3"
    database["TEST"] = {"NAME": f"{DIRECTORY}/test_{RUN}.sqlite3"}
else:
    database["TEST"] = {"NAME": f"test_jobqueue_{RUN}", "CHARSET": "utf8mb4" if "mysql" in database["ENGINE"] else None}

# "plain" is the same queue without Redis, for tests that must hold either way (fixture `backend_alias`).
for alias, cache in (("default", "default" if "LOCATION" in CACHES["default"] else None), ("plain", None)):
    TASKS[alias] = {
        "BACKEND": "jobqueue.backend.JobQueueBackend",
        "QUEUES": ["default", "mail"],
        "OPTIONS": {
            "REDIS": cache,
            "LEASE_SECONDS": 2,
            "KEY_PREFIX": f"{KEY_PREFIX}:{alias}",
        },
    }
