"""Settings of the demo. DATABASE_URL and REDIS_URL switch it from its embedded defaults to real servers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

SECRET_KEY = os.environ.get("SECRET_KEY", "demo-only-not-a-secret")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "jobqueue",
    "project.counters",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

VAR_DIR.mkdir(exist_ok=True)
_database: dict[str, Any] = dict(
    dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'demo.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
)
_OPTIONS: dict[str, dict[str, Any]] = {
    # Several processes write: wait for each other (seconds), take the write lock at BEGIN, and let readers go on.
    "django.db.backends.sqlite3": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    # A server may still be set to a smaller character set, and to cutting off what does not fit instead of refusing it.
    "django.db.backends.mysql": {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"},
}
_database["OPTIONS"] = _OPTIONS.get(_database["ENGINE"], {}) | _database.get("OPTIONS", {})
DATABASES = {"default": _database}

REDIS_URL = os.environ.get("REDIS_URL")
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
TASKS: dict[str, Any] = {
    "default": {
        "BACKEND": "jobqueue.backend.JobQueueBackend",
        "QUEUES": ["default", "mail"],
        "OPTIONS": {
            "REDIS": "default" if REDIS_URL else None,
            # Short, so that renewals and rescues are seen.
            "LEASE_SECONDS": 5,
            # The page has buttons that kill: pressing them often must not make a job one that nobody runs any more.
            "MAX_CRASHES": 1000,
            # The page adds up all that was ever done.
            "RETENTION_DAYS": None,
        },
    }
}

USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "jobqueue": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
        "django.tasks": {"handlers": ["console"], "level": "WARNING"},
        # The page asks every second; a line for each request would hide what the workers say.
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
