"""What `manage.py check` says of a backend's settings; each message with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from .database import connection

if TYPE_CHECKING:
    from .backend import JobQueueBackend


def check_backend(backend: JobQueueBackend) -> list[CheckMessage]:
    """Return the errors and warnings about one backend."""
    return [*_check_redis(backend), *_check_database()]


def _check_redis(backend: JobQueueBackend) -> list[CheckMessage]:
    name = backend.settings.redis
    if name is None:
        return []
    where = f"TASKS[{backend.alias!r}]['OPTIONS']['REDIS']"
    if name not in settings.CACHES:
        return [
            Error(
                f"{where} names {name!r}, which is not in CACHES.",
                hint="Add a django-redis cache of that name, or set REDIS to None to keep leases in the database.",
                id="jobqueue.E001",
            )
        ]
    if not _is_django_redis(settings.CACHES[name].get("BACKEND", "")):
        return [
            Error(
                f"{where} names {name!r}, which is not a django-redis cache.",
                hint=f"Set CACHES[{name!r}]['BACKEND'] to 'django_redis.cache.RedisCache', or REDIS to None.",
                id="jobqueue.E002",
            )
        ]
    return []


def _is_django_redis(path: str) -> bool:
    try:
        from django_redis.cache import RedisCache  # Only needed by those who use it.

        return issubclass(import_string(path), RedisCache)
    except (ImportError, TypeError):
        return False


def _check_database() -> list[CheckMessage]:
    used = connection()
    where = f"DATABASES[{used.alias!r}]"
    options = used.settings_dict.get("OPTIONS", {})
    found: list[CheckMessage] = []
    if not settings.USE_TZ or (
        used.vendor != "postgresql" and used.settings_dict.get("TIME_ZONE") not in (None, "UTC")
    ):
        found.append(
            Error(
                "Times in the database are not in UTC, in which jobs become due and workers are judged.",
                hint=f"Set USE_TZ to True, and leave TIME_ZONE out of {where}.",
                id="jobqueue.E003",
            )
        )
    if used.vendor == "sqlite" and str(options.get("transaction_mode", "")).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        found.append(
            Warning(
                "Jobs are in SQLite with deferred transactions: a body that reads and then writes fails under load.",
                hint=f"Set {where}['OPTIONS'] to {{'transaction_mode': 'IMMEDIATE', 'timeout': 20}}.",
                id="jobqueue.W001",
            )
        )
    # psycopg counts the levels: 1 is READ UNCOMMITTED, 2 READ COMMITTED, the default.
    if used.vendor == "postgresql" and (options.get("isolation_level") or 2) > 2:
        found.append(
            Warning(
                "Jobs are in PostgreSQL above READ COMMITTED: workers that meet fail with serialization errors.",
                hint=f"Leave isolation_level out of {where}['OPTIONS']; bodies can set their own.",
                id="jobqueue.W002",
            )
        )
    return found
