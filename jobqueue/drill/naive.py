"""What not to do: a queue whose workers take turns under a lock that expires, as most queues of this kind do.

Each line is right, and the lock is the textbook's: SET NX PX to take it, compare-and-delete to give it back. But it is
over after its time, not when the work is. Kept to show that the drill sees the difference: ``manage.py drill --naive``.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import timedelta
from typing import Any, Protocol, override

from django.core.cache import caches
from django.db.models import Q

from ..database import DatabaseNow
from . import record
from .house import backend
from .models import NaiveJob
from .plan import current
from .tasks import in_steps, work_and_add_one


class Store(Protocol):
    """A list of calls, and a lock for each that is over after a while."""

    def add(self, call: str) -> None:
        """Put a call (JSON) on the list."""

    def waiting(self) -> list[Any]:
        """Return the list."""

    def lock(self, call: Any, me: str) -> bool:
        """Take the lock of a call, unless another has it."""

    def unlock(self, call: Any, me: str) -> None:
        """Give it back, unless it has become another's."""

    def remove(self, call: Any) -> None:
        """Take a call off the list."""


# -- in Redis ----------------------------------------------------------------------------------

COMPARE_AND_DELETE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"


class InRedis(Store):
    """A Redis list; a key with a TTL for each lock."""

    def __init__(self, cache_alias: str) -> None:
        cache: Any = caches[cache_alias]
        self.redis = cache.client.get_client(write=True)
        self.list = f"{current().key_prefix}:naive"

    @override
    def add(self, call: str) -> None:
        self.redis.rpush(self.list, call)

    @override
    def waiting(self) -> list[Any]:
        calls: list[Any] = self.redis.lrange(self.list, 0, -1)
        return calls

    @override
    def lock(self, call: Any, me: str) -> bool:
        milliseconds = round(current().lease_seconds * 1000)
        return bool(self.redis.set(self._key(call), me, nx=True, px=milliseconds))

    @override
    def unlock(self, call: Any, me: str) -> None:
        self.redis.eval(COMPARE_AND_DELETE, 1, self._key(call), me)

    @override
    def remove(self, call: Any) -> None:
        self.redis.lrem(self.list, 0, call)

    def _key(self, call: Any) -> str:
        return f"{self.list}:lock:{json.loads(call)['counter']}"


# -- the same without Redis --------------------------------------------------------------------


class InDatabase(Store):
    """A table; a column that says until when the lock is good."""

    @override
    def add(self, call: str) -> None:
        NaiveJob.objects.create(call=call)

    @override
    def waiting(self) -> list[Any]:
        return list(NaiveJob.objects.values_list("call", flat=True))

    @override
    def lock(self, call: Any, me: str) -> bool:
        free = NaiveJob.objects.filter(Q(holder="") | Q(expires_at__lt=DatabaseNow()), call=call)
        until = DatabaseNow() + timedelta(seconds=current().lease_seconds)
        return bool(free.update(holder=me, expires_at=until))

    @override
    def unlock(self, call: Any, me: str) -> None:
        NaiveJob.objects.filter(call=call, holder=me).update(holder="")

    @override
    def remove(self, call: Any) -> None:
        NaiveJob.objects.filter(call=call).delete()


def store() -> Store:
    """Return the store that suits the settings."""
    cache_alias = backend().settings.redis
    return InDatabase() if cache_alias is None else InRedis(cache_alias)


# -- the worker --------------------------------------------------------------------------------


def serve(store: Store) -> None:
    """Run whatever waits and is not locked, for ever."""
    me = uuid.uuid4().hex
    while True:
        for call in store.waiting():
            if store.lock(call, me):
                run(**json.loads(call))
                store.remove(call)
                store.unlock(call, me)
        time.sleep(0.1)


def run(counter: str, effects: str, seconds: float) -> None:
    """Do what the tasks of the drill do."""
    if effects == "atomic":
        record.note("start", counter)
        work_and_add_one(counter, seconds)  # One statement writes, so it is a transaction by itself.
    else:
        in_steps(counter, seconds, once=lambda _, step, *args: step(*args))
    record.note("end", counter)


def main(concurrency: int) -> None:
    """Run a worker of so many threads until it is killed."""
    record.note("up")
    for _ in range(concurrency - 1):
        threading.Thread(target=serve, args=[store()], daemon=True).start()
    serve(store())
