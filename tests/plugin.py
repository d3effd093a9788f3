"""What has to be there before settings load: a Redis, a directory, and a name that no other run has.

Loaded early by ``-p tests.plugin``. All of it travels in the environment, so that xdist's processes and the
workers that tests start find it too; the process that set it up is the one that takes it down.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator

import pytest

from project.embedded import embedded_redis

RUN = "JOBQUEUE_TEST_RUN"
DIRECTORY = "JOBQUEUE_TEST_DIRECTORY"
_cleanup = contextlib.ExitStack()


# A wrapper runs before pytest-django's hook of the same name, which loads the settings.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Set up the run, unless this process belongs to one."""
    if RUN not in os.environ:
        _set_up()
    return (yield)


def pytest_unconfigure() -> None:
    """Take down what this process set up."""
    _cleanup.close()


def _set_up() -> None:
    atexit.register(_cleanup.close)  # A run that ends in its settings is never unconfigured.
    directory = tempfile.mkdtemp(prefix="jobqueue-tests-")
    _cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
    _put(RUN, f"{os.getpid()}_{secrets.token_hex(3)}")
    _put(DIRECTORY, directory)
    if not os.environ.get("REDIS_URL"):
        _put("REDIS_URL", _cleanup.enter_context(embedded_redis()))


def _put(name: str, value: str) -> None:
    os.environ[name] = value
    _cleanup.callback(os.environ.pop, name, None)
