"""Django's settings of the simulated database: real SQLite in a file of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.db.utils import ConnectionHandler

_MEMORY = Path("/dev/shm")


def _file() -> str:
    directory = tempfile.mkdtemp(prefix="jobqueue-simulation-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return f"{directory}/simulation.sqlite3"


NAME = _file()


def _settings() -> dict[str, Any]:
    handler = ConnectionHandler(
        {
            "default": {
                "ENGINE": "tests.simulation.sqlite",
                "NAME": NAME,
                "OPTIONS": {
                    "timeout": 0,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
                },
            }
        }
    )
    settings: dict[str, Any] = handler.settings["default"]
    return settings


SETTINGS = _settings()
