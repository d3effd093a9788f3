"""The fork server is a fork of its worker, with which it shares memory, but never of one that has begun anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.app.slow_tasks import hold
from tests.process.pids import descendants
from tests.processes import ROOT

forked_here = pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info >= (3, 14), reason="multiprocessing starts it here"
)

START = """
import os, threading, time
import django
django.setup()
from django.db import connection
from jobqueue.worker import crew, fork_server
{before}
forks = []
os.register_at_fork(after_in_parent=lambda: forks.append(1))
fork_server.start_early()
print(len(forks), flush=True)
{after}
"""


def run(*, before="", after=""):
    done = subprocess.run(
        [sys.executable, "-c", START.format(before=before, after=after)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "JOBQUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@forked_here
def test_the_worker_and_all_that_it_starts_are_one_program(start_on, enqueue):
    worker = start_on("plain")
    executor = enqueue(hold, backend="plain").wait_started().pid

    alike = {pid for pid in descendants(worker.pid) if command(pid) == command(worker.pid)}
    # Multiprocessing would have given the fork server, and so the executor, a command line of their own.
    assert executor in alike
    assert len(alike) == 2


def command(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@forked_here
def test_it_is_when_nothing_is_under_way():
    assert run() == ["1"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "before",
    [
        pytest.param("connection.ensure_connection()", id="connection"),
        pytest.param("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", id="thread"),
    ],
)
def test_it_is_not_when_there_is(before):
    assert run(before=before) == ["0"]


@forked_here
def test_it_starts_nothing_twice():
    assert run(after="fork_server.start_early(); print(len(forks))") == ["1", "1"]


@forked_here
def test_a_fork_server_that_a_task_starts_is_none_of_ours():
    lines = run(
        after="""
body = "import os; from multiprocessing.forkserver import _forkserver as f; print(os.getppid(), f._preload_modules)"
process = crew.CONTEXT.Process(target=exec, args=(body,))
process.start()
process.join()
from multiprocessing import forkserver
print(forkserver._forkserver._forkserver_pid)
"""
    )
    server = lines[-1]
    assert lines == ["1", f"{server} ['__main__']", server]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_an_app_has_opened_is_not_handed_to_executors():
    opened = "connection.ensure_connection(); import jobqueue.worker.preload"
    assert run(after=f"{opened}; print(connection.connection)")[-1] == "None"
