"""Settings of projects and administrators with ideas of their own about isolation and patience."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

_PATIENCE = {
    "django.db.backends.postgresql": {
        "options": "-c statement_timeout=1000 -c idle_in_transaction_session_timeout=1000",
    },
    "django.db.backends.mysql": {
        "init_command": "SET SESSION sql_mode='STRICT_TRANS_TABLES', max_statement_time=1, idle_transaction_timeout=1",
    },
}
_database = DATABASES["default"]
match os.environ["JOBQUEUE_TEST_IDEA"]:
    case "serializable":
        _database["OPTIONS"]["isolation_level"] = "serializable"
        if "postgresql" in _database["ENGINE"]:
            from psycopg import IsolationLevel  # It is there where PostgreSQL is used.

            _database["OPTIONS"]["isolation_level"] = IsolationLevel.SERIALIZABLE
    case "impatient":
        _database["OPTIONS"] |= _PATIENCE[_database["ENGINE"]]
    case "full":
        _database["OPTIONS"]["init_command"] += f"PRAGMA max_page_count={int(os.environ['JOBQUEUE_TEST_PAGES'])};"
