"""Jobs with limits, as a worker looks for them: which keys, before or after the others, and when to look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .. import lifecycle
from ..database import connection
from ..lifecycle import Ask, Claim, Head, Key
from ..limits import Policies

# Keys that are looked at in one look; the next one goes on behind them.
_KEYS = 100
# A slot that another worker frees, and a job that becomes due, is found so soon.
_POLL = 0.25
# Somebody else has a key locked, for as long as a claim takes; or there are keys that were not looked at yet.
_SOON = 0.02
# A fast rate is not looked at for each of its turns; those of so long a time are taken together.
_TOGETHER = 0.1
# A worker that knows no limits asks so often whether older or newer processes have enqueued jobs with some.
_FOREIGN = 60.0


class LimitedJobs:
    """Claims jobs with limits for one worker, and knows what the last look left."""

    def __init__(self, backend: str, worker_id: str, policies: Policies, paths: Sequence[str]) -> None:
        self._backend = backend
        self._worker_id = worker_id
        self._policies = policies
        self._paths, self._claimed = list(paths), frozenset(paths)
        self._always = policies.limit_anything()
        self._here, self._next_ask = self._always, 0.0
        self._after: dict[str, str] = {}
        self._first: dict[str, bool] = {}
        self._wait: float | None = None
        self._waiting = self._more = False

    def begin(self) -> None:
        """Begin a look; what the last one left is forgotten."""
        self._wait, self._waiting, self._more = None, False, False
        if not self._always and time.monotonic() >= self._next_ask:
            self._next_ask = time.monotonic() + _FOREIGN
            self._here = lifecycle.anything_limited(connection(), self._backend)

    def queues(self) -> list[str]:
        """Return the queues in which jobs wait for a limit."""
        return lifecycle.limited_queues(connection(), self._backend) if self._here else []

    def claim(self, queue: str, room: int, free: Callable[[str, int], list[Claim]]) -> list[Claim]:
        """Claim jobs of a queue, those without limits by ``free``; of both kinds, the higher priority first."""
        offers = self._offers(queue) if self._here else []
        if not offers:
            return free(queue, room)
        if self._go_first(queue, offers[0]):
            claims = self._take(queue, offers, room)
            return claims + (free(queue, room - len(claims)) if len(claims) < room else [])
        claims = free(queue, room)
        return claims + self._take(queue, offers, room - len(claims))

    def pause(self, most: float) -> float:
        """Return in how many seconds to look again, if nothing else is to be looked for in so many."""
        if self._more:
            return min(most, _SOON)
        if self._waiting:
            most = min(most, _POLL)
        return most if self._wait is None else min(most, max(self._wait, 0.001))

    def soon(self) -> bool:
        """Return whether the last look left something that could be claimed at once."""
        return self._more

    def _offers(self, queue: str) -> list[Head]:
        """Return the first jobs of the keys that have room, the highest priority first."""
        states = self._states(queue)
        able = [name for name, key in states.items() if self._has_room(key)]
        found = lifecycle.heads(connection(), backend=self._backend, queue=queue, names=able, paths=self._paths)
        # Of a key that no task gives any more only its jobs tell what is allowed.
        return [head for head in found if self._has_room(states[head.key], head)]

    def _states(self, queue: str) -> dict[str, Key]:
        """Return the next keys of a queue, in turn, and their state."""
        after, where = self._after.get(queue, ""), {"backend": self._backend, "queue": queue}
        names = lifecycle.waiting_keys(connection(), **where, after=after, limit=_KEYS)
        if after and len(names) < _KEYS:
            # Round once: those before it come behind.
            for name in lifecycle.waiting_keys(connection(), **where, after="", limit=_KEYS - len(names)):
                if name in names:
                    break
                names.append(name)
        if len(names) == _KEYS:
            self._more = True
            self._after[queue] = names[-1]
        names = [name for name in names if self._paths_of(name)]
        self._waiting = self._waiting or bool(names)
        states = lifecycle.look_at(connection(), names)
        return {name: states[name] for name in names if name in states}

    def _has_room(self, key: Key, head: Head | None = None) -> bool:
        known = self._policies.of(key.name)
        if head is not None:
            known = self._policies.of_job(key.name, head.task_path)
        if known is None:
            return True
        if known.most is not None and key.running >= known.most:
            return False
        if known.rate is not None and (wait := known.rate.wait(key.next_at, key.now)) > 0:
            self._note_wait(wait)
            return False
        return True

    def _paths_of(self, key: str) -> list[str]:
        """Return the tasks whose jobs can have a key, of those that are claimed here."""
        return [path for path in self._policies.paths_of(key) if path in self._claimed]

    def _note_wait(self, seconds: float) -> None:
        self._wait = seconds if self._wait is None else min(self._wait, seconds)

    def _go_first(self, queue: str, offer: Head) -> bool:
        other = lifecycle.first_free_priority(connection(), backend=self._backend, queue=queue, paths=self._paths)
        if other is None or other != offer.priority:
            return other is None or offer.priority > other
        # Both have something of the same priority: in turn.
        self._first[queue] = not self._first.get(queue, False)
        return self._first[queue]

    def _take(self, queue: str, offers: Sequence[Head], room: int) -> list[Claim]:
        asks = {
            head.key: Ask(self._policies.of_job(head.key, head.task_path), self._paths_of(head.key))
            for head in offers[: max(room, 0)]
        }
        taken = lifecycle.claim_limited(
            connection(), backend=self._backend, queue=queue, asks=asks, worker_id=self._worker_id, room=room
        )
        self._more = self._more or taken.more
        if taken.claims:
            # Who was served last is served last the next time.
            served = {claim.limit_key for claim in taken.claims}
            self._after[queue] = [name for name in asks if name in served][-1]
            for rate in (asks[name].allowance.rate for name in served):
                if rate is not None:
                    self._note_wait(max(rate.interval / 1e6, _TOGETHER))
        return taken.claims
