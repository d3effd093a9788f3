"""Django settings for one queue at a time: BENCH_QUEUE names it, DATABASE_URL and REDIS_URL its servers.

Every queue has Django's defaults (so its logging: what is wrong goes to standard error), connections that stay open,
and its own defaults unless docs/performance.md says so.
"""

from __future__ import annotations

import os
from typing import Any

import dj_database_url

QUEUE = os.environ["BENCH_QUEUE"]
REDIS_URL = os.environ.get("REDIS_URL", "")

SECRET_KEY = "no-secret"
DEBUG = False
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_database: dict[str, Any] = dict(dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None))
_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.mysql": {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"},
}
_database["OPTIONS"] = _OPTIONS.get(_database["ENGINE"], {}) | _database.get("OPTIONS", {})
DATABASES = {"default": _database}
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}}

_BACKENDS: dict[str, dict[str, Any]] = {
    "jobqueue": {
        "BACKEND": "jobqueue.backend.JobQueueBackend",
        "QUEUES": ["default"],
        # A prefix of its own: a given Redis may be one that others use.
        "OPTIONS": {"REDIS": "default" if REDIS_URL else None, "KEY_PREFIX": "bench"},
    },
    "django-tasks-db": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]},
    "django-ox": {"BACKEND": "django_ox.backend.OxBackend", "QUEUES": ["default"]},
}
_APPS = {
    "jobqueue": ["jobqueue"],
    "django-tasks-db": ["django_tasks_db"],
    "django-ox": ["django_ox"],
    "procrastinate": ["procrastinate.contrib.django"],
}
INSTALLED_APPS = ["benchmarks.app", *_APPS.get(QUEUE, [])]
if QUEUE in _BACKENDS:
    TASKS = {"default": _BACKENDS[QUEUE]}
PROCRASTINATE_IMPORT_PATHS = ["benchmarks.queues.procrastinate"]
