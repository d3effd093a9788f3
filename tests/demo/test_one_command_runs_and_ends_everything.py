"""`python -m project.demo`: a site and workers from nothing, and nothing of it left, however it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Generator
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.tasks import TaskResultStatus

from jobqueue.models import Attempt, Job, LedgerEntry, Outcome, Worker
from project.counters.figures import figures
from project.demo.preparation import make_admin
from project.demo.site import free_port
from tests.processes import ROOT
from tests.waiting import wait_until


class Demo:
    """The demo as a process, on the database of the test and its own embedded server, and what it said so far."""

    def __init__(self, **environment: str) -> None:
        names = {"DJANGO_SETTINGS_MODULE", "REDIS_URL"}
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "project.demo"],
            cwd=ROOT,
            env=inherited | {"DATABASE_URL": _database_url(), "PORT": str(_some_port())} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, pattern: str, seconds: float = 60.0) -> str:
        """Wait until it has said something, and return the first group of it."""

        def said() -> re.Match[str] | None:
            assert self.process.poll() is None, self.output
            return re.search(pattern, self.output, re.MULTILINE)

        return wait_until(said, seconds)[1]

    def family(self) -> set[int]:
        """Return the pids of all its processes."""
        children = defaultdict(list)
        table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        for line in table.splitlines():
            pid, parent = map(int, line.split())
            children[parent].append(pid)
        found, left = set(), [self.process.pid]
        while left:
            found.add(pid := left.pop())
            left += children[pid]
        return found

    def end(self) -> None:
        """Stop it, and everything with it."""
        self.process.terminate()
        self.process.wait(30)
        self._reader.join()
        self.process.stdout.close()
        print(self.output)


@pytest.fixture
def demo(transactional_db: None) -> Generator[Demo]:
    started = Demo()
    yield started
    started.end()


def _database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _some_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _open(browser: urllib.request.OpenerDirector, address: str, data: bytes | None = None) -> str:
    with browser.open(address, data=data, timeout=20) as page:
        return page.read().decode()


def _press(browser: urllib.request.OpenerDirector, site: str, button: str) -> str:
    """Press a button of the page as a browser without JavaScript does, and return the page that follows."""
    form = re.search(rf'action="([^"]+)">\s*<input[^>]+value="(\w+)">\s*<button id="{button}"', _open(browser, site))
    assert form is not None, button
    return _open(browser, f"{site}{form[1].lstrip('/')}", urlencode({"csrfmiddlewaretoken": form[2]}).encode())


def _visitor() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor())


def _alive(pids: set[int]) -> set[int]:
    table = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return {int(pid) for pid, state in rows if not state.startswith("Z")} & pids


def test_jobs_run_workers_come_back_and_a_signal_ends_it_all(demo: Demo) -> None:
    site = demo.wait_for(r"^demo +Site +(\S+)")
    browser = _visitor()
    assert "The counter that stays right" in _open(browser, site)
    assert "Enqueued a job that adds 20" in _press(browser, site, "press-slow")
    form = _open(browser, f"{site}admin/login/")
    fields = {
        "username": "admin",
        "password": demo.wait_for(r"password (\S+)"),
        "csrfmiddlewaretoken": re.search(r'csrfmiddlewaretoken" value="(\w+)"', form)[1],
        "next": "/admin/jobqueue/job/",
    }
    assert "count_slowly" in _open(browser, f"{site}admin/login/", urlencode(fields).encode())
    wait_until(lambda: Job.objects.filter(status=TaskResultStatus.SUCCESSFUL).exists(), 40)

    killed = Worker.objects.get(name="demo-1")
    os.kill(killed.pid, signal.SIGKILL)
    demo.wait_for(r"(demo-1 \(process \d+\) was killed by SIGKILL)")
    wait_until(lambda: Worker.objects.filter(name="demo-1").exclude(pk=killed.pk).exists(), 40)

    family = demo.family()
    assert len(family) >= 6, "demo, watchdog, server, web, two workers"
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(20) == 0
    wait_until(lambda: not _alive(family), 10)
    assert not Job.objects.filter(status=TaskResultStatus.RUNNING).exclude(worker_id=killed.pk).exists()


def test_killed_itself_it_leaves_nothing_behind(demo: Demo) -> None:
    _press(_visitor(), demo.wait_for(r"^demo +Site +(\S+)"), "press-slow")
    wait_until(lambda: Job.objects.filter(status=TaskResultStatus.RUNNING).exists(), 40)
    family = demo.family()

    demo.process.kill()

    wait_until(lambda: not _alive(family), 30)


def test_its_own_settings_tell_the_story_in_less_than_a_minute(demo: Demo) -> None:
    browser, site = _visitor(), demo.wait_for(r"^demo +Site +(\S+)")
    _press(browser, site, "press-slow")
    began = time.monotonic()
    # Behind a step, so that the freeze comes in the middle of the next one.
    wait_until(lambda: LedgerEntry.objects.filter(key="add 2").exists(), 30)
    assert "Froze demo-" in _press(browser, site, "press-freeze")

    wait_until(lambda: "The counter is right: It shows" in _open(browser, site), 60, every=0.5)

    assert time.monotonic() - began < 60
    first, second = Attempt.objects.filter(job_id=LedgerEntry.objects.get(key="add 2").job_id).order_by("number")
    assert (first.outcome, first.refused_writes, second.outcome) == (Outcome.LOST, 1, Outcome.OK)
    assert figures().is_right


def test_a_database_that_cannot_be_used_is_told(transactional_db: None) -> None:
    demo = Demo(DATABASE_URL=f"postgres://nobody@127.0.0.1:{_some_port()}/nothing")

    assert demo.process.wait(30) == 1
    demo.end()
    assert "The database cannot be used" in demo.output
    assert "Traceback" not in demo.output


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 100


@pytest.mark.django_db
def test_a_password_is_made_once() -> None:
    first = make_admin()
    assert User.objects.get(username="admin").check_password(first.removeprefix("password "))
    assert "changepassword admin" in make_admin()
