"""Faults of Redis: it forgets, dies, freezes, lies, or cannot be reached."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from .fault import Fault, Scene, Strike

_PREFIX = "soak"
_GHOST = "ghost"


def _leases(client: Any) -> list[bytes]:
    return sorted(client.scan_iter(match=f"{_PREFIX}:lease:*", count=1000))


def _holder(client: Any, key: Any) -> bytes | None:
    try:
        holder: bytes | None = client.hget(key, "holder")
    except ResponseError:
        return None  # Another fault has made it a key of another type.
    return holder


# -- it forgets ------------------------------------------------------------------------------------


def flushed(scene: Scene, strike: Strike) -> None:
    """Everything is forgotten at once."""
    with scene.redis.client() as client:
        before = {key: _holder(client, key) for key in _leases(client)}
        client.flushall()
        over = time.monotonic() + 0.9 * scene.lease
        while time.monotonic() < over:
            time.sleep(0.1)
            if any(before.get(key) and _holder(client, key) == before[key] for key in _leases(client)):
                scene.reached["a forgotten lease was made anew"] += 1
                return


def flushed_in_a_row(scene: Scene, strike: Strike) -> None:
    """Everything is forgotten every quarter of a second."""
    with scene.redis.client() as client:
        for _ in range(4 + int(8 * strike.force)):
            client.flushall()
            scene.let_pass(0.25)


def some_deleted(scene: Scene, strike: Strike) -> None:
    """Some leases and hints are forgotten, and perhaps the epoch."""
    dice = scene.dice(strike)
    with scene.redis.client() as client:
        for key in [*_leases(client), f"{_PREFIX}:epoch", f"{_PREFIX}:wake:default"]:
            if dice.random() < 0.5:
                client.delete(key)


def scripts_forgotten(scene: Scene, strike: Strike) -> None:
    """The scripts are forgotten."""
    with scene.redis.client() as client:
        client.script_flush()


# -- it lies ---------------------------------------------------------------------------------------


def wrong_lifetimes(scene: Scene, strike: Strike) -> None:
    """Leases will never end, or in an hour, or end at once."""
    dice = scene.dice(strike)
    with scene.redis.client() as client:
        for key in _leases(client):
            if dice.random() < 0.3:
                client.persist(key)
            else:
                client.pexpire(key, dice.choice((3_600_000, 1)))


def stolen(scene: Scene, strike: Strike) -> None:
    """Leases are in the name of somebody who does not exist."""
    dice = scene.dice(strike)
    with scene.redis.client() as client:
        for key in _leases(client):
            if dice.random() < 0.5:
                _haunt(client, key, 99, scene.lease)


def other_types(scene: Scene, strike: Strike) -> None:
    """Where leases were there are texts and lists; the epoch is nonsense."""
    dice = scene.dice(strike)
    with scene.redis.client() as client:
        for key in _leases(client):
            client.delete(key)
            if dice.random() < 0.5:
                client.set(key, "nonsense")
            else:
                client.rpush(key, "nonsense")
        client.set(f"{_PREFIX}:epoch", dice.choice(("nonsense", "99999999999999", "-1", "nan")))


def haunted(scene: Scene, strike: Strike) -> bool:
    """Jobs that wait have a lease already: of an attempt that was, or of one that is yet to come."""
    waiting = [seen for seen in scene.watch.open_ends() if seen.status == "READY"]
    with scene.redis.client() as client:
        old = {f"{_PREFIX}:lease:{seen.id.replace('-', '')}": i % 2 for i, seen in enumerate(waiting)}
        for key, is_old in old.items():
            _haunt(client, key, 0 if is_old else 99, 3 * scene.lease)
        scene.let_pass(scene.lease)
        for key, is_old in old.items():
            # Nobody gives back but what is theirs: it is another's by now, or was.
            if is_old and not (_holder(client, key) or b"").endswith(_GHOST.encode()):
                scene.reached["a lease of an earlier attempt was taken over"] += 1
    return bool(waiting)


def _haunt(client: Any, key: Any, attempt: int, lease: float) -> None:
    client.delete(key)  # It may be no hash.
    client.hset(key, mapping={"holder": f"{attempt}:{uuid.UUID(int=attempt).hex}:{_GHOST}"})
    client.pexpire(key, int(lease * 1000))


# -- it is away ------------------------------------------------------------------------------------


def paused(scene: Scene, strike: Strike) -> None:
    """It freezes for longer than a lease; connections stay open."""
    scene.redis.pause()
    scene.let_pass(scene.beyond_lease(strike.force))
    scene.redis.resume()


def restarted(scene: Scene, strike: Strike) -> None:
    """It is killed and comes back, empty."""
    scene.redis.kill()
    scene.let_pass(scene.lease * strike.force)
    scene.redis.start()


def without_memory(scene: Scene, strike: Strike) -> None:
    """It takes no more keys."""
    with scene.redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            scene.let_pass(scene.beyond_lease(strike.force))
        finally:
            client.config_set("maxmemory", 0)


def clients_killed(scene: Scene, strike: Strike) -> None:
    """It hangs up on everybody."""
    with scene.redis.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)


def way_cut(scene: Scene, strike: Strike) -> None:
    """Every connection is cut on the way."""
    scene.redis_way.cut()


def partition(*directions: str) -> Callable[[Scene, Strike], None]:
    """Return a fault in which what goes in these directions is lost for longer than a lease."""

    def happen(scene: Scene, strike: Strike) -> None:
        scene.redis_way.swallow(*directions)
        scene.let_pass(scene.beyond_lease(strike.force))
        scene.redis_way.heal()

    return happen


def far_away(scene: Scene, strike: Strike) -> None:
    """Every word takes its time."""
    scene.redis_way.latency = 0.02 + 0.2 * strike.force
    scene.let_pass(scene.lease)
    scene.redis_way.latency = 0.0


FAULTS = [
    Fault(name="Redis flushed", breaks="redis", happen=flushed),
    Fault(name="Redis flushed in a row", breaks="redis", happen=flushed_in_a_row),
    Fault(name="some keys deleted", breaks="redis", happen=some_deleted),
    Fault(name="scripts flushed", breaks="redis", happen=scripts_forgotten),
    Fault(name="wrong TTLs", breaks="redis", happen=wrong_lifetimes),
    Fault(name="leases stolen", breaks="redis", happen=stolen),
    Fault(name="keys of other types", breaks="redis", happen=other_types),
    Fault(name="leases of ghosts", breaks="redis", happen=haunted),
    Fault(name="Redis paused", breaks="redis", happen=paused),
    Fault(name="Redis killed and restarted", breaks="redis", happen=restarted),
    Fault(name="Redis out of memory", breaks="redis", happen=without_memory),
    Fault(name="Redis clients killed", breaks="redis", happen=clients_killed),
    Fault(name="way to Redis cut", breaks="redis", happen=way_cut),
    Fault(name="requests to Redis lost", breaks="redis", happen=partition("requests", "answers")),
    Fault(name="answers of Redis lost", breaks="redis", happen=partition("answers")),
    Fault(name="Redis far away", breaks="redis", happen=far_away),
]
