"""The store under the simulation answers jobqueue's scripts as a real server does, whatever is there before."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Generator
from random import Random
from typing import Any

import pytest
import redis
from django.conf import settings
from redis.exceptions import ResponseError

from jobqueue.leases.scripts import script
from tests.simulation import current
from tests.simulation.redis import INTERPRETER, Memory
from tests.simulation.world import World

_PERIOD = 60_000
_CLAIMANTS = [f"{attempt}:{token * 32}:w-{token}" for attempt, token in itertools.product((1, 2, 3), "ab")]


@pytest.fixture
def prefix() -> Generator[str]:
    prefix = f"{settings.KEY_PREFIX}:small:{uuid.uuid4().hex}"
    yield prefix
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{prefix}:*"):
            client.delete(key)


def _calls(rng: Random, prefix: str) -> tuple[str, list[str], list[Any]]:
    keys = [f"{prefix}:lease:{number}" for number in rng.sample(range(4), rng.randint(1, 3))]
    verb = rng.choice(("acquire", "renew", "release", "witness", "foreign"))
    holders = [rng.choice(_CLAIMANTS) for _ in keys]
    if verb == "acquire":
        return verb, keys, [_PERIOD, *holders]
    if verb == "renew":
        return verb, keys, [_PERIOD, *itertools.chain(*((holder, 7, 4711) for holder in holders))]
    if verb == "release":
        return verb, keys, holders
    return verb, [f"{prefix}:epoch", *keys] if verb == "witness" else keys[:1], [_PERIOD]


def _rounded(answer: Any) -> Any:
    # A few milliseconds pass between two calls of a real server, and none here.
    return [value if value < 1000 else round(value, -5) for value in answer] if isinstance(answer, list) else answer


def _ask(call: Any, *args: Any) -> Any:
    try:
        return _rounded(call(*args))
    except ResponseError as error:
        return str(error)[:9]


def test_the_same_calls_get_the_same_answers(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "world", World(Random(0), restlessness=0), raising=False)
    memory, rng, answers = Memory(), Random(7), set()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for _ in range(400):
            verb, keys, argv = _calls(rng, prefix)
            if verb == "foreign":
                client.set(keys[0], "no lease")
                memory.command("SET", keys[0], "no lease")
                continue
            real = _ask(script(verb).call, client, keys, argv)
            small = _ask(INTERPRETER.run, memory, script(verb).source, keys, argv)
            assert small == real, (verb, keys, argv)
            answers.add((verb, str(real)))
        for number in range(4):
            key = f"{prefix}:lease:{number}"
            kept = {name.decode(): value.decode() for name, value in client.hgetall(key).items()}
            assert kept == (memory.peek(key) or {})
    assert len(answers) > 15, "The calls were all alike."
