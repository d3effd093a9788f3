"""What has to be there before settings load: a Redis, a directory, and a name that no other run has.

Loaded early by ``-p tests.plugin``. All of it travels in the environment, so that xdist's processes and the
workers that tests start find it too; the process that set it up is the one that takes it down.

``--sweep 1/2`` leaves out every other case of the sweeps, which try one thing at every place there is, and ``2/2`` the
rest: two runs on two databases share them.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from project.embedded import embedded_redis

RUN = "JOBQUEUE_TEST_RUN"
DIRECTORY = "JOBQUEUE_TEST_DIRECTORY"
TESTS = Path(__file__).parent
SWEEPS = ("aliases", "crashpoints", "drill")
_cleanup = contextlib.ExitStack()


# A wrapper runs before pytest-django's hook of the same name, which loads the settings.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Set up the run, unless this process belongs to one."""
    if RUN not in os.environ:
        _set_up()
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--sweep", type=_share, default=(1, 1), metavar="K/N", help="The K-th of N parts of the sweeps.")


def _share(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text} is no part of a whole, such as 1/2")
    return int(part), int(parts)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that are another run's."""
    part, parts = config.getoption("--sweep")
    sweeps = [item for item in items if item.path.relative_to(TESTS).parts[0] in SWEEPS]
    left_out = {item for number, item in enumerate(sweeps) if number % parts != part - 1}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


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
