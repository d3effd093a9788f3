"""The verbs on leases, each one round trip for up to 500 jobs. All of them raise LeasesUnavailable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from redis import Redis

from ..conf import Options
from ..fence import Fence
from ..points import reached
from . import answers
from .connection import Connection
from .keys import LONGEST_HOLDER, Keys, holder, parse_holder
from .scripts import script

# One script that runs for long keeps everybody else waiting.
_BATCH = 500
# A worker's main loop calls these. Did it ask a silent server again and again, its executors would stand idle for half
# of the time; the threads that renew and that look for the dead ask anyway, and a lease that is missing is made then.
_IN_PASSING = frozenset({"acquire", "release"})


class Grant(NamedTuple):
    """The answer to acquire or renew: whether the lease is ours, and how many seconds are left of the one there is."""

    fence: Fence
    held: bool
    ttl: float


class Held(NamedTuple):
    """A lease to renew: how often it has been, with this time, and the pid of the process that runs the job."""

    fence: Fence
    renewals: int
    pid: int | None


class LeaseView(NamedTuple):
    """A lease as others see it. `ttl` is in seconds."""

    attempt: int
    token: UUID
    worker_id: str
    ttl: float
    renewals: int
    pid: int | None


class Leases:
    """The leases of one backend."""

    def __init__(self, cache_alias: str, options: Options) -> None:
        self.keys = Keys(options.key_prefix)
        self.connection = Connection(cache_alias, timeout=options.redis_timeout, pause=options.redis_timeout)
        self._period = round(options.lease_seconds * 1000)

    def acquire(self, fences: Sequence[Fence], worker_id: str) -> list[Grant]:
        """Take the leases of claims for a worker."""
        reached("lease.before-acquire")
        grants = []
        for some in batched(fences, _BATCH):
            argv = [self._period, *(holder(fence, worker_id) for fence in some)]
            refused = self._ask("acquire", some, argv, partial(answers.refusals, asked=len(some)))
            grants += [
                Grant(fence, number not in refused, self._seconds(refused.get(number, self._period)))
                for number, fence in enumerate(some, start=1)
            ]
        reached("lease.after-acquire")
        return grants

    def renew(self, held: Sequence[Held], worker_id: str) -> list[Grant]:
        """Extend the leases of claims; one that the server forgot is made anew."""
        reached("lease.before-renew")
        grants = []
        for some in batched(held, _BATCH):
            fences, argv = [one.fence for one in some], list[object]([self._period])
            for fence, renewals, pid in some:
                argv += holder(fence, worker_id), renewals, pid or ""
            answer = self._ask("renew", fences, argv, partial(answers.renewals, asked=len(some)))
            grants += [
                Grant(fence, is_held, self._seconds(ttl)) for fence, (is_held, ttl) in zip(fences, answer, strict=True)
            ]
        reached("lease.after-renew")
        return grants

    def release(self, fences: Sequence[Fence], worker_id: str) -> int:
        """Give leases back and return how many of them were this worker's."""
        reached("lease.before-release")
        given_back = 0
        for some in batched(fences, _BATCH):
            argv = [holder(fence, worker_id) for fence in some]
            given_back += self._ask("release", some, argv, partial(answers.count, most=len(some)))
        reached("lease.after-release")
        return given_back

    def witness(self, job_ids: Sequence[UUID], *, period: float = 0.0) -> set[UUID] | None:
        """Return the jobs whose lease is held; None while the server remembers too little to say who is dead.

        Leases of others may last for as many seconds as ``period`` says, if that is more than those of one's own.
        """
        alive: set[UUID] = set()
        longest = max(self._period, round(period * 1000))
        for some in batched(job_ids, _BATCH) if job_ids else [()]:
            keys = [self.keys.epoch(), *map(self.keys.lease, some)]
            believed, *held = self._call("witness", keys, [longest], partial(answers.flags, asked=len(keys)))
            if not believed:
                return None
            alive.update(job_id for job_id, is_held in zip(some, held, strict=True) if is_held)
        return alive

    def read(self, job_ids: Sequence[UUID]) -> dict[UUID, LeaseView]:
        """Return the leases that are held on jobs, for people to look at."""
        views = {}
        for some in batched(job_ids, _BATCH):
            keys = [self.keys.lease(job_id) for job_id in some]
            answer = self._call("read", keys, [LONGEST_HOLDER], partial(answers.views, asked=len(some)))
            for job_id, (who, renewals, pid, ttl) in zip(some, answer, strict=True):
                if (named := parse_holder(who)) is not None:
                    views[job_id] = LeaseView(*named, max(ttl, 0) / 1000, _number(renewals) or 0, _number(pid))
        return views

    def evicting_policy(self) -> str | None:
        """Return the policy by which this server throws keys away when its memory is full, None when it never does."""
        return self.connection.call(lambda client: answers.evicting_policy(client.info("memory")))

    def forget_all(self) -> int:
        """Delete every key of this prefix and return how many there were; for drills and tests."""

        def forget(client: Redis) -> int:
            keys = list(client.scan_iter(match=f"{_glob(self.keys.prefix)}:*", count=1000))
            return client.delete(*keys) if keys else 0

        return self.connection.call(forget)

    def _seconds(self, ttl: int) -> float:
        # More than the period is left when the server's clock went back; nobody may rely on more than was asked.
        return min(max(ttl, 0), self._period) / 1000

    def _ask[T](self, verb: str, fences: Sequence[Fence], argv: Sequence[object], read: Callable[[object], T]) -> T:
        return self._call(verb, [self.keys.lease(fence.job_id) for fence in fences], argv, read)

    def _call[T](self, verb: str, keys: list[str], argv: Sequence[object], read: Callable[[object], T]) -> T:
        call = self.connection.call_in_passing if verb in _IN_PASSING else self.connection.call
        return call(lambda client: read(script(verb).call(client, keys, argv)))


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) < 12 else None


def _glob(text: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in text)
