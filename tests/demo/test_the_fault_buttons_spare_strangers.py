"""The buttons kill a worker or its process, or freeze it, and touch nothing that is not this worker's for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job, Worker
from project.counters.freeze import freeze
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

# A stand-in: what looks like a worker to the system, with a child as an executor is one.
FAKE = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


class Process:
    """A process with a child, both of which end with this one."""

    def __init__(self, *arguments: str, own_group: bool = False) -> None:
        self.own_group = own_group
        self.popen = subprocess.Popen(
            [sys.executable, "-c", FAKE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0 if own_group else None,
        )
        assert self.popen.stdout is not None
        self.pid = self.popen.pid
        self.child = int(self.popen.stdout.readline())

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def end(self) -> None:
        if self.own_group:
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.kill()
        self.popen.communicate()


@pytest.fixture
def process() -> Generator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*arguments: str, own_group: bool = False) -> Process:
        started.append(Process(*arguments, own_group=own_group))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture(autouse=True)
def _debug(settings) -> None:
    settings.DEBUG = True


def _press(client: Client, job_id: UUID, what: str = "kill-worker") -> str:
    response = client.post(reverse("counters:fault", args=[job_id, what]), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_the_worker_that_runs_the_job_is_killed(client: Client, process, make_worker, run_by) -> None:
    worker = process("runworkers")

    assert f"Killed demo (process {worker.pid})" in _press(client, run_by(make_worker(pid=worker.pid)))
    assert worker.popen.wait(10) == -signal.SIGKILL


def test_only_the_process_that_runs_the_job_is_killed(client: Client, process, make_worker, run_by) -> None:
    worker = process("runworkers")
    row = make_worker(pid=worker.pid)
    job_id = run_by(row)
    Worker.objects.update(executors=[{"pid": worker.child, "job": str(job_id)}])

    assert f"Killed a process of demo ({worker.child})" in _press(client, job_id, "kill-process")
    assert worker.is_alive()


def test_a_pid_that_belongs_to_something_else_by_now_is_spared(client, process, make_worker, run_by) -> None:
    stranger = process("something else")

    assert "is no worker" in _press(client, run_by(make_worker(pid=stranger.pid)))
    assert stranger.is_alive()


def test_a_child_of_something_else_is_spared(client: Client, process, make_worker, run_by) -> None:
    worker, stranger = process("runworkers"), process("runworkers")
    job_id = run_by(make_worker(pid=worker.pid))
    Worker.objects.update(executors=[{"pid": stranger.child, "job": str(job_id)}])

    assert "is no child of demo any more" in _press(client, job_id, "kill-process")
    os.kill(stranger.child, 0)
    assert worker.is_alive()


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"hostname": "elsewhere"}, "runs on elsewhere"),
        ({"stopped_at": "2026-01-01T00:00Z"}, "No living worker"),
    ],
)
def test_what_the_row_does_not_name_is_spared(client, process, make_worker, run_by, values, answer) -> None:
    worker = process("runworkers")

    assert answer in _press(client, run_by(make_worker(pid=worker.pid, **values)))
    assert worker.is_alive()


def test_nothing_is_killed_for_a_job_that_does_not_run(client: Client, process, make_worker, run_by) -> None:
    worker = process("runworkers")
    job_id = run_by(make_worker(pid=worker.pid))
    Job.objects.update(status="READY")

    assert "not running any more" in _press(client, job_id)
    assert worker.is_alive()


def test_it_takes_a_press_on_a_developers_machine(client: Client, process, make_worker, run_by, settings) -> None:
    worker = process("runworkers")
    address = reverse("counters:fault", args=[run_by(make_worker(pid=worker.pid)), "kill-worker"])

    assert client.get(address).status_code == 405
    assert Client(enforce_csrf_checks=True).post(address).status_code == 403
    settings.DEBUG = False
    assert client.post(address).status_code == 404
    assert worker.is_alive()


def test_a_frozen_worker_goes_on_after_a_time(process) -> None:
    worker = process("runworkers", own_group=True)
    freezer = threading.Thread(target=freeze, args=[worker.pid, 1.0])
    freezer.start()

    wait_until(lambda: _state(worker.pid) == "T")
    freezer.join()
    wait_until(lambda: _state(worker.pid) != "T")
    assert worker.is_alive()


def test_its_children_go_on_first(process) -> None:
    worker, stranger = process("runworkers", own_group=True), process("something else", own_group=True)
    stranger.stop()
    freezer = threading.Thread(target=freeze, args=[worker.pid, 0.5, [worker.child, stranger.pid]])
    freezer.start()

    wait_until(lambda: _state(worker.pid) == _state(worker.child) == "T")
    wait_until(lambda: _state(worker.child) != "T", every=0.02)
    assert _state(worker.pid) == "T"
    freezer.join()
    wait_until(lambda: _state(worker.pid) != "T")
    assert _state(stranger.pid) == "T"


def test_a_worker_in_a_group_with_others_is_not_frozen(client: Client, process, make_worker, run_by) -> None:
    worker = process("runworkers")

    assert "shares its process group" in _press(client, run_by(make_worker(pid=worker.pid)), "freeze-worker")


def test_the_worker_that_runs_the_job_is_frozen_with_its_children(client, process, make_worker, run_by) -> None:
    worker = process("runworkers", own_group=True)

    assert "Froze demo for" in _press(client, run_by(make_worker(pid=worker.pid)), "freeze-worker")
    wait_until(lambda: _state(worker.pid) == _state(worker.child) == "T")


def _state(pid: int) -> str:
    """Return the letter that ps shows for a process; T is a stopped one."""
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout[:1]
