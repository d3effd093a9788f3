"""Starts the demo, says where to look, restarts workers that die, and stops everything in order."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import connection, connections

from project.counters import late
from project.embedded import EmbeddedServerFailed, embedded_redis

from .children import Child, say
from .site import HOST, answers, free_port

WORKERS = ("demo-1", "demo-2")
EXECUTORS = 2


def main() -> int:
    """Run until a signal comes; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with _redis() as redis:
            return _demo(redis)
    except KeyboardInterrupt:
        say("demo", "stopped")
        return 0
    except EmbeddedServerFailed as failure:
        say("demo", str(failure))
        return 1


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    """Yield what to say of the Redis that is used, and see to it that settings find it."""
    if url := os.environ.get("REDIS_URL"):
        yield _public(url)
        return
    with embedded_redis() as url:
        os.environ["REDIS_URL"] = url
        yield f"{url} (embedded, ends with the demo)"


def _demo(redis: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ[late.VARIABLE] = "1"
    django.setup()
    # Models can be imported only now.
    from . import preparation

    try:
        preparation.make_tables()
    except preparation.NotPrepared as failure:
        say("demo", str(failure))
        return 1
    password = preparation.make_admin()
    preparation.enqueue_samples()
    connections.close_all()  # From here on this process only looks after others.
    port = free_port(int(os.environ.get("PORT", "8000")))
    ended: SimpleQueue[Child] = SimpleQueue()
    children = _Children()
    try:
        web = Child("web", "runserver", "--noreload", "--skip-checks", f"{HOST}:{port}", ended=ended)
        children.append(web)
        for name in WORKERS:
            arguments = ["--name", name, "--concurrency", str(EXECUTORS), "--grace", "2", "--no-reload"]
            children.append(Child(name, "runworkers", *arguments, ended=ended))
        if answers(port, web):
            _tell(port, redis, password)
        return _keep_going(web, children, ended)
    finally:
        children.stop()


class _Children(list[Child]):
    """The processes that run now."""

    def stop(self) -> None:
        """Stop them all; signals are ignored from here on, and it takes seconds at most."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("demo", "stopping …")
        for child in self:
            child.ask_to_stop()
        for child in self:
            child.stop()


def _keep_going(web: Child, children: _Children, ended: SimpleQueue[Child]) -> int:
    """Start a new worker for each that dies, until a signal comes or the web server ends."""
    while True:
        # With a limit, for a signal is handled between two waits on some systems.
        try:
            child = ended.get(timeout=1.0)
        except Empty:
            continue
        children.remove(child)
        if child is web:
            say("demo", f"the web server {child.reason}")
            return 1
        say("demo", f"{child.name} (process {child.pid}) {child.reason}; starting it anew")
        # One that cannot even start should not be started over and over in a hurry.
        time.sleep(1.0 if child.age > 5.0 else 3.0)
        children.append(child.again())


def _tell(port: int, redis: str, password: str) -> None:
    """Print where to look and what runs, a line each."""
    lease = settings.TASKS["default"]["OPTIONS"]["LEASE_SECONDS"]
    name = connection.settings_dict["NAME"]
    for line in (
        "",
        f"Site      http://{HOST}:{port}/  (press “Start the long job”, then “Freeze its worker”)",
        f"Admin     http://{HOST}:{port}/admin/  user admin, {password}",
        f"Workers   {' and '.join(WORKERS)}, {EXECUTORS} executors each, lease {lease} s; restarted when killed",
        f"Database  {connection.vendor} {name}",
        f"Redis     {redis}",
        "Stop      Ctrl-C",
        "",
    ):
        say("demo", line)


def _public(url: str) -> str:
    """Return a URL without the password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


if __name__ == "__main__":
    sys.exit(main())
