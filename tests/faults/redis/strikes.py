"""What may befall a Redis server, or the way to it. Each is a context manager: it strikes, and heals at its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import redis

from tests.faults.redis.fleet import LEASE, Fleet
from tests.proxy import Then
from tests.waiting import wait_until

Strike = Callable[[Fleet, list[UUID]], Any]
HOUR = 3_600_000


def name(strike: Strike) -> str:
    """Return what a strike is called here."""
    return next(name for name, value in globals().items() if value is strike)


@contextmanager
def again_and_again(seconds: float, deed: Callable[[], object]) -> Generator[None]:
    """Do something every so many seconds, in a thread."""
    over, failures = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            while not over.is_set():
                deed()
                over.wait(seconds)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()
    assert not failures, failures


# -- the server ---------------------------------------------------------------------------------------


@contextmanager
def silent(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    fleet.server.pause()
    try:
        yield
    finally:
        fleet.server.resume()


@contextmanager
def stutters(fleet: Fleet, held: list[UUID]) -> Iterator[None]:
    """Frozen for less than a lease, again and again."""

    def stutter() -> None:
        fleet.server.pause()
        time.sleep(0.3 * LEASE)
        fleet.server.resume()

    with again_and_again(0.1 * LEASE, stutter):
        yield


@contextmanager
def paused(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    with fleet.server.client() as client:
        client.client_pause(round(1.5 * LEASE * 1000), all=True)
        yield
        wait_until(client.ping)


@contextmanager
def paused_for_writes(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    with fleet.server.client() as client:
        client.client_pause(60_000, all=False)
        yield
        client.client_unpause()


def _configured(**options: object) -> Strike:
    @contextmanager
    def strike(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
        with fleet.server.client() as client:
            before = {name: client.config_get(name)[name] for name in options}
            for name, value in options.items():
                client.config_set(name, value)
            yield
            for name, value in reversed(before.items()):
                client.config_set(name, value)

    return strike


full = _configured(**{"maxmemory-policy": "noeviction", "maxmemory": 1})
evicts = _configured(**{"maxmemory-policy": "allkeys-random", "maxmemory": 1})


@contextmanager
def flushed(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    with again_and_again(0.5, fleet.server.flush):
        yield


@contextmanager
def scripts_flushed(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    with fleet.server.client() as client, again_and_again(0.05, client.script_flush):
        yield


def _clock(moved: int) -> Strike:
    """Move every moment that the server keeps: as far as anybody can see, that is what a jump of its clock does."""

    @contextmanager
    def strike(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
        _jump(fleet, moved)
        yield
        _jump(fleet, -moved)

    return strike


@contextmanager
def clock_stands(fleet: Fleet, held: list[UUID]) -> Iterator[None]:
    """No time passes for the server: nothing lapses, and its memory never grows old."""
    keys = fleet.leases().keys

    def hold_up() -> None:
        client.set(keys.epoch(), round(time.time() * 1000))
        for job_id in held:
            client.pexpire(keys.lease(job_id), round(LEASE * 1000))

    with fleet.server.client() as client, again_and_again(0.1, hold_up):
        yield


def _jump(fleet: Fleet, moved: int) -> None:
    """Set the clock by so many milliseconds: what is left of every key, and the age of the epoch, change by as many."""
    epoch = fleet.leases().keys.epoch().encode()
    with fleet.server.client() as client:
        changed = 0
        for key in client.scan_iter(f"{fleet.leases().keys.prefix}:*"):
            left = client.pttl(key)
            if left > 0:
                changed += client.pexpire(key, left - moved) if left > moved else client.delete(key)
            elif key == epoch:
                client.set(key, int(client.get(key) or 0) - moved)
        assert changed, "There was no lease."


clock_back, clock_ahead = _clock(-HOUR), _clock(HOUR)


@contextmanager
def foreign_values(fleet: Fleet, held: list[UUID]) -> Iterator[None]:
    """Somebody else's values under all of our names."""
    keys = fleet.leases().keys

    def put() -> None:
        hashes, wake = [*map(keys.lease, held), keys.epoch()], keys.wake("default")
        with client.pipeline(transaction=True) as pipe:
            pipe.delete(*hashes, wake).set(wake, "foreign")
            for key in hashes:
                pipe.rpush(key, "foreign")
            pipe.execute()

    with fleet.server.client() as client:
        with again_and_again(0.2, put):
            yield
        client.delete(keys.wake("default"))


@contextmanager
def hints_stolen(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    """Another project with the same prefix takes every hint."""
    wake = fleet.leases().keys.wake("default")
    with fleet.server.client() as client, again_and_again(0.0, lambda: client.blpop([wake], timeout=0.1)):
        yield


@contextmanager
def refuses(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    """For one reason after the other, without a moment of service in between."""
    over = threading.Event()

    def run() -> None:
        with fleet.server.client() as client:
            client.ping()
            while not over.is_set():
                for reason in REASONS:
                    with reason(fleet, client):
                        over.wait(0.4)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()


@contextmanager
def _replica(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """READONLY: it was made the replica of a master that is not there."""
    client.replicaof("127.0.0.1", "1")
    yield
    client.replicaof("NO", "ONE")


@contextmanager
def _headless(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """MASTERDOWN: such a replica that serves nothing old."""
    client.config_set("replica-serve-stale-data", "no")
    with _replica(fleet, client):
        yield
    client.config_set("replica-serve-stale-data", "yes")


@contextmanager
def _other_password(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """NOAUTH."""
    client.config_set("requirepass", "changed")
    client.client_kill_filter(_type="normal", skipme=True)
    yield
    client.config_set("requirepass", "")


@contextmanager
def _no_permission(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """NOPERM."""
    client.execute_command("ACL", "SETUSER", "default", "-evalsha", "-eval", "-brpop", "-lpush")
    yield
    client.execute_command("ACL", "SETUSER", "default", "+@all")


@contextmanager
def _busy(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """BUSY: somebody's script does not end."""
    client.config_set("busy-reply-threshold", 1)
    with fleet.server.client() as other:

        def loop() -> None:
            with contextlib.suppress(redis.RedisError):
                other.eval("while true do end", 0)

        thread = threading.Thread(target=loop)
        thread.start()
        yield
        wait_until(lambda: _killed(client))
        thread.join()


def _killed(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        client.script_kill()
        return True
    return False


@contextmanager
def _unable_to_save(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """MISCONF: it was told to save, and cannot."""
    in_the_way = Path(client.config_get("dir")["dir"]) / "dump.rdb" / "x"
    in_the_way.mkdir(parents=True)
    client.config_set("save", "3600 1000000")
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    yield
    client.config_set("save", "")
    in_the_way.rmdir()
    in_the_way.parent.rmdir()


@contextmanager
def _full_house(fleet: Fleet, client: redis.Redis) -> Iterator[None]:
    """It takes no more clients."""
    client.config_set("maxclients", 1)
    client.client_kill_filter(_type="normal", skipme=True)
    yield
    client.config_set("maxclients", 1000)


REASONS = (_replica, _headless, _other_password, _no_permission, _busy, _unable_to_save, _full_house)


# -- the way to it ------------------------------------------------------------------------------------


def _lost(*directions: str) -> Strike:
    @contextmanager
    def strike(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
        for side in fleet.sides:
            side.proxy.swallow(*directions)
        yield
        for side in fleet.sides:
            side.proxy.heal()

    return strike


requests_lost, answers_lost = _lost("requests"), _lost("answers")


def _lost_to_one(*directions: str) -> Strike:
    """Have the worker that holds a job see nothing, and the other one everything."""

    @contextmanager
    def strike(fleet: Fleet, held: list[UUID]) -> Iterator[None]:
        proxy = fleet.owner(held[0]).proxy
        proxy.swallow(*directions)
        yield
        proxy.heal()

    return strike


lost_to_one, deaf_one = _lost_to_one("requests", "answers"), _lost_to_one("answers")


@contextmanager
def slow(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
    for side in fleet.sides:
        side.proxy.latency = 0.3
    yield
    for side in fleet.sides:
        side.proxy.latency = 0.0


def _cut(then: Then) -> Strike:
    """Cut the connection at each call."""

    @contextmanager
    def strike(fleet: Fleet, _: list[UUID]) -> Iterator[None]:
        with ExitStack() as stack:
            for side in fleet.sides:
                stack.enter_context(again_and_again(0.0, lambda proxy=side.proxy: _trap(proxy, then)))
            yield
        for side in fleet.sides:
            side.proxy.heal()

    return strike


def _trap(proxy: Any, then: Then) -> None:
    trap = proxy.trap(b"EVAL|BRPOP|LPUSH", then)
    trap.sprung.wait(0.2) or proxy.heal()


cut_before, cut_behind = _cut(Then.CUT_BEFORE), _cut(Then.CUT_BEHIND)
