"""Hints that come close together are few, and after the last of them one still goes out."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Collection, Generator

import pytest
from redis import Redis

from jobqueue.conf import Options
from jobqueue.leases import Wake
from jobqueue.leases.burst import Burst
from tests.redis_server import OwnRedis
from tests.waiting import wait_until

SECONDS = 0.05


class Heard:
    """What was passed on, and when."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []
        self.moments: list[float] = []

    def __call__(self, names: Collection[str]) -> None:
        self.moments.append(time.monotonic())
        self.names.append(sorted(names))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def burst(heard: Heard) -> Generator[Burst]:
    burst = Burst(heard, seconds=SECONDS)
    yield burst
    burst.flush()


def test_the_first_goes_out_at_once_by_whoever_brings_it(burst: Burst, heard: Heard) -> None:
    burst.add(["mail"])
    assert heard.names == [["mail"]]


def test_one_by_one_each_goes_out_at_once(burst: Burst, heard: Heard) -> None:
    for _ in range(3):
        burst.add(["mail"])
        time.sleep(SECONDS * 1.2)
    assert heard.names == [["mail"]] * 3


def test_many_are_few_and_one_goes_out_after_the_last(burst: Burst, heard: Heard) -> None:
    began = time.monotonic()
    while time.monotonic() < began + 4 * SECONDS:
        burst.add(["mail"])
        last = time.monotonic()
    wait_until(lambda: heard.moments[-1] > last, every=0.001)
    assert heard.moments[-1] < last + 10 * SECONDS
    assert 3 <= len(heard.names) <= 7


def test_the_second_is_not_forgotten_when_nothing_follows(burst: Burst, heard: Heard) -> None:
    burst.add(["mail"])
    burst.add(["mail"])
    assert heard.names == [["mail"]]
    wait_until(lambda: heard.names == [["mail"]] * 2)


def test_another_name_waits_for_nobody(burst: Burst, heard: Heard) -> None:
    burst.add(["mail"])
    burst.add(["default", "mail"])
    assert heard.names == [["mail"], ["default"]]
    wait_until(lambda: heard.names == [["mail"], ["default"], ["mail"]])


def test_a_failure_to_send_what_is_late_ends_nothing(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    def fail_in_the_thread(names: Collection[str]) -> None:
        heard(names)
        if threading.current_thread().name == "jobqueue-burst":
            raise LookupError

    burst = Burst(fail_in_the_thread, seconds=SECONDS)
    for sent in (2, 4):
        burst.add(["mail"])
        burst.add(["mail"])
        burst.flush()
        assert len(heard.names) == sent
    assert len(caplog.records) == 2
    assert "at their next look" in caplog.text


def test_where_no_thread_can_start_nothing_is_lost(burst: Burst, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    burst.add(["mail"])
    burst.add(["mail"])
    assert heard.names == [["mail"]] * 2


def test_a_process_that_ends_at_once_sends_what_is_late(own_redis: OwnRedis, server: Redis) -> None:
    program = f"""
        from django.conf import settings
        cache = {{"LOCATION": {own_redis.url!r}, "BACKEND": "django_redis.cache.RedisCache"}}
        settings.configure(CACHES={{"own": cache}})
        from jobqueue.conf import Options
        from jobqueue.leases import Wake
        wake = Wake("own", Options(redis="own", key_prefix="t"))
        wake.hint(["mail"])
        wake.hint(["mail"])
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=30)
    assert server.llen("t:wake:mail") == 2


def test_a_forked_child_has_bursts_of_its_own(burst: Burst, heard: Heard) -> None:
    burst.add(["mail"])
    burst.add(["mail"])
    child = os.fork()
    if child == 0:
        burst.add(["mail"])
        burst.add(["mail"])
        time.sleep(4 * SECONDS)
        os._exit(0 if heard.names == [["mail"]] * 3 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_who_has_looked_already_is_woken_for_what_came_after(own_redis: OwnRedis, options: Options) -> None:
    enqueuer, worker = Wake("own", options), Wake("own", options)
    for _ in range(20):
        enqueuer.hint(["mail"])
        assert worker.await_hint(["mail"])
        enqueuer.hint(["mail"])
        began = time.monotonic()
        assert worker.await_hint(["mail"])
        assert time.monotonic() - began < 0.2
    enqueuer.close()
    worker.close()
