"""Hints that something was enqueued, so that an idle worker need not poll. All of them may be lost, at any time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from redis import Redis

from ..conf import Options
from ..points import reached
from . import answers
from .burst import Burst
from .connection import Connection, LeasesUnavailable
from .keys import Keys

ANY_QUEUE = "*"
# A burst of jobs is no burst of hints: a worker that was woken looks until nothing is due.
_MOST_HINTS = 32
_HINT_SECONDS = 60
# A hint for each job of a burst would cost a third of what the jobs do: a round trip, and a wake-up of Redis and of a
# listener, which are often on the machine of whoever enqueues.
_BURST_SECONDS = 0.005


class Wake:
    """Sends and awaits hints. A blocking wait has a connection of its own, with a time-out to match."""

    def __init__(self, cache_alias: str, options: Options) -> None:
        self.keys = Keys(options.key_prefix)
        # Who enqueues waits for Redis but a moment: the job is safe already, and a poll finds it.
        timeout = min(0.5, options.redis_timeout)
        self._send = Connection(cache_alias, timeout=timeout, pause=5)
        self._burst = Burst(self._push, seconds=_BURST_SECONDS)
        self._block = options.keeper_seconds
        self._wait = Connection(cache_alias, timeout=self._block + options.redis_timeout, pause=options.redis_timeout)

    def hint(self, queues: Iterable[str]) -> None:
        """Wake one worker for each queue; does nothing when Redis is out of reach.

        At once, if the queue had no hint in these milliseconds; else when they are over, whatever the caller does next.
        """
        reached("enqueue.before-hint")
        self._burst.add(list(queues))
        reached("enqueue.after-hint")

    def _push(self, queues: Iterable[str]) -> None:
        def push(client: Redis) -> None:
            with client.pipeline(transaction=False) as pipe:
                for queue in queues:
                    key = self.keys.wake(queue)
                    pipe.lpush(key, b"1")
                    pipe.ltrim(key, 0, _MOST_HINTS - 1)
                    pipe.expire(key, _HINT_SECONDS)
                pipe.execute()

        try:
            self._send.call(push)
        except LeasesUnavailable:
            return

    def await_hint(self, queues: Sequence[str]) -> str | None:
        """Wait for a hint for any of the queues, for a moment at most; take it and return its queue, None for none."""
        keys = {self.keys.wake(queue).encode(): queue for queue in queues}
        return self._wait.call(lambda client: answers.hint(client.brpop(list(keys), timeout=self._block), keys))

    def close(self) -> None:
        """Close the connections."""
        self._burst.flush()
        self._send.close()
        self._wait.close()
