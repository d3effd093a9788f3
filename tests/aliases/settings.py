"""Settings of a project with two databases, which may be of two vendors: "default" has its data, "jobs" has the jobs.

JOBQUEUE_APP_URL and JOBQUEUE_JOBS_URL name their servers; each is an SQLite file without.
"""

from __future__ import annotations

import os
from typing import Any

import dj_database_url

from project.settings import _OPTIONS
from tests.settings import *  # noqa: F403
from tests.settings import DIRECTORY, RUN


def _database(name: str) -> dict[str, Any]:
    path = f"{DIRECTORY}/{RUN}_{name}.sqlite3"
    url = os.environ.get(f"JOBQUEUE_{name.upper()}_URL") or f"sqlite:///{path}"
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    database["OPTIONS"] = {**_OPTIONS.get(database["ENGINE"], {})}
    if name_of_test := os.environ.get(f"JOBQUEUE_TEST_{name.upper()}"):
        database["NAME"] = name_of_test
    elif "sqlite" in database["ENGINE"]:
        database["TEST"] = {"NAME": f"{DIRECTORY}/test_{RUN}_{name}.sqlite3"}
    else:
        charset = "utf8mb4" if "mysql" in database["ENGINE"] else None
        database["TEST"] = {"NAME": f"test_jobqueue_{RUN}_{name}", "CHARSET": charset}
    return database


DATABASES = {"default": _database("app"), "jobs": _database("jobs")}
DATABASE_ROUTERS = ["tests.aliases.router.Router"]
