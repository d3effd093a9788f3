"""What `manage.py check` says of a backend, and with `--deploy` of its Redis; each message with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError, connections, router
from django.tasks import task_backends
from django.utils.module_loading import import_string

from .conf import Options
from .database import alias, chosen, connection
from .leases import Leases, LeasesUnavailable
from .task import registered

if TYPE_CHECKING:
    from .backend import JobQueueBackend


def check_backend(backend: JobQueueBackend) -> list[CheckMessage]:
    """Return the errors and warnings about one backend."""
    return [
        *_check_redis(backend),
        *_check_prefix(backend),
        *_check_database(),
        *_check_written(backend),
        *_check_ledgers(backend),
    ]


@register("jobqueue", deploy=True)
def check_servers(**_: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with the database and each Redis. Asks them, and so runs with `--deploy` alone."""
    if _backends():
        yield from _check_tables()
    for backend in _backends():
        if not _check_redis(backend):
            yield from check_server(backend.leases(), backend.settings)


def check_server(leases: Leases | None, options: Options) -> list[CheckMessage]:
    """Return what is wrong with a Redis; nothing when it does not answer, for a build need not reach it."""
    try:
        policy = None if leases is None else leases.evicting_policy()
    except LeasesUnavailable:
        return []
    if policy is None:
        return []
    return [
        Error(
            f"The Redis of CACHES[{options.redis!r}] throws keys away when its memory is full, leases among them: its "
            f"maxmemory-policy is {policy}.",
            hint="Set its maxmemory-policy to noeviction, or have OPTIONS['REDIS'] name another server.",
            id="jobqueue.E004",
        )
    ]


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


def _check_prefix(backend: JobQueueBackend) -> list[CheckMessage]:
    ours = backend.settings
    return [
        Warning(
            f"TASKS[{other.alias!r}] and TASKS[{backend.alias!r}] use the same keys in Redis: a hint that a job is due "
            "may wake a worker of the other one, and the job waits until somebody looks.",
            hint="Give each of them an OPTIONS['KEY_PREFIX'] of its own.",
            id="jobqueue.W004",
        )
        for other in _backends()
        if other.alias < backend.alias
        and ours.redis is not None
        and (other.settings.redis, other.settings.key_prefix) == (ours.redis, ours.key_prefix)
    ]


def _backends() -> list[JobQueueBackend]:
    found = task_backends.all()
    return [cast("JobQueueBackend", one) for one in found if isinstance(getattr(one, "settings", None), Options)]


def _is_django_redis(path: str) -> bool:
    try:
        from django_redis.cache import RedisCache  # Only needed by those who use it.

        return issubclass(import_string(path), RedisCache)
    except (ImportError, TypeError):
        return False


def _check_alias() -> list[CheckMessage]:
    """Return what is wrong with where the routers have the tables; asks no database."""
    name, models = alias(), list(apps.get_app_config("jobqueue").get_models())
    if name not in connections.settings:
        return [
            Error(
                f"The jobs are to be on the database alias {name!r}, which is not in DATABASES.",
                hint="Add it to DATABASES, or have db_for_write() of your router name another one.",
                id="jobqueue.E005",
            )
        ]
    elsewhere = sorted({router.db_for_write(model) for model in models} - {name}) if chosen() is None else []
    if elsewhere:
        return [
            Error(
                f"Routers have some tables of jobqueue on {name!r} and others on {', '.join(map(repr, elsewhere))}: "
                "they are changed in one transaction.",
                hint="Let db_for_write() answer the same for every model whose app_label is 'jobqueue'.",
                id="jobqueue.E006",
            )
        ]
    if not all(router.allow_migrate_model(name, model) for model in models):
        return [
            Error(
                f"The jobs are on the database alias {name!r}, where routers do not let their tables be made.",
                hint=f"Let allow_migrate({name!r}, 'jobqueue') of your router return True, and run "
                f"`migrate --database {name}`.",
                id="jobqueue.E007",
            )
        ]
    return []


def _check_written(backend: JobQueueBackend) -> list[CheckMessage]:
    options = backend.settings
    named = [("WRITES_TO", options.writes_to), *(("UNFENCED_DATABASES", name) for name in options.unfenced_databases)]
    return [
        Error(
            f"TASKS[{backend.alias!r}]['OPTIONS'][{option!r}] names {name!r}, which is not in DATABASES.",
            hint="Add it to DATABASES, or name another alias.",
            id="jobqueue.E009",
        )
        for option, name in named
        if name is not None and name not in connections.settings
    ]


def _check_ledgers(backend: JobQueueBackend) -> list[CheckMessage]:
    """Return on which aliases a ledger is needed and may not be made."""
    if len(connections.settings) == 1:
        return []
    tasks = [task for task in registered() if task.backend == backend.alias]
    named = [backend.settings.writes_to, *(name for task in tasks for name in (task.writes_to, task.commit_on))]
    needed = {name for name in named if name is not None}
    ledger = apps.get_model("jobqueue", "LedgerEntry")
    return [
        Error(
            f"What is written to the database alias {name!r} is told by the ledger there, which routers do not let be "
            "made.",
            hint=f"Let allow_migrate({name!r}, 'jobqueue') of your router return True, and run "
            f"`migrate jobqueue --database {name}`.",
            id="jobqueue.E010",
        )
        for name in sorted(name for name in needed if name in connections.settings)
        if not router.allow_migrate_model(name, ledger)
    ]


def _check_tables() -> list[CheckMessage]:
    """Return whether tables are missing; nothing when the database does not answer, for a build need not reach it."""
    if _check_alias():
        return []
    used = connection()
    try:
        there = set(used.introspection.table_names())
    except DatabaseError:
        return []
    if all(model._meta.db_table in there for model in apps.get_app_config("jobqueue").get_models()):
        return []
    return [
        Error(
            f"The database DATABASES[{used.alias!r}] lacks the tables of jobqueue.",
            hint=f"Run `migrate --database {used.alias}`.",
            id="jobqueue.E008",
        )
    ]


def _check_database() -> list[CheckMessage]:
    wrong = _check_alias()
    if wrong:
        return wrong
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
