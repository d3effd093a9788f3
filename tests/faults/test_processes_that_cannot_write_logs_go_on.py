"""The disk for logs is full, nobody reads them, or there is no place for them at all: jobs are done nevertheless."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection

from tests.app import fault_tasks, process_fault_tasks
from tests.processes import ROOT


def full():
    return os.open("/dev/full", os.O_WRONLY)


def unread():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


# Put in place of the standard streams before the worker's first line is run.
OUTPUT = {"full": full, "unread": unread, "closed": None}
START = """
import os, sys
if {fd} is None:
    os.close(1), os.close(2)
os.execv(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]])
"""


@pytest.fixture
def start(world_on):
    """Start a worker whose output goes nowhere, and end it for certain."""
    processes = []

    def start(world, output):
        fd = OUTPUT[output]() if OUTPUT[output] else None
        flags = ["--backend", world.backend, "--concurrency", "1", "--no-reload", "--grace", "1"]
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONUNBUFFERED": "",  # What cannot be written stays in the buffer, and is tried again.
            # Development mode makes an error of what cannot be closed, and what cannot be flushed cannot be.
            "PYTHONDEVMODE": "",
            "PYTHONWARNINGS": "",
            "JOBQUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "JOBQUEUE_TEST_RECORD": str(world.record),
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", START.format(fd=fd), "runworkers", *flags],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=fd,
                stderr=fd,
                start_new_session=True,
            )
        )
        if fd is not None:
            os.close(fd)
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("output", OUTPUT)
def test_jobs_are_done_and_the_worker_stops_in_order(world_on, start, output):
    world = world_on("plain")
    worker = start(world, output)
    # Each crash is logged by the worker, each failure by its executor.
    for how in ("segfault", "sys.exit()"):
        world.enqueue(process_fault_tasks.harm, how)
    world.enqueue_many(fault_tasks.write, 5)
    world.assert_all_right()
    assert worker.poll() is None
    worker.terminate()
    # Python itself complains when what it has left cannot be written.
    assert worker.wait(20) in (0, 120)
