"""The verbs on leases, each one round trip for up to 500 jobs. All of them raise LeasesUnavailable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from redis import Redis

from ..conf import Options
from ..fence import Fence
from .connection import Connection
from .keys import Keys, holder, parse_holder
from .scripts import script

# One script that runs for long keeps everybody else waiting.
_BATCH = 500


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
        grants = []
        for some in batched(fences, _BATCH):
            argv = [self._period, *(holder(fence, worker_id) for fence in some)]
            answer = self._ask("acquire", [fence.job_id for fence in some], argv)
            refused = dict(zip(answer[::2], answer[1::2], strict=True))
            grants += [
                Grant(fence, number not in refused, self._seconds(refused.get(number, self._period)))
                for number, fence in enumerate(some, start=1)
            ]
        return grants

    def renew(self, held: Sequence[Held], worker_id: str) -> list[Grant]:
        """Extend the leases of claims; one that the server forgot is made anew."""
        grants = []
        for some in batched(held, _BATCH):
            argv: list[object] = [self._period]
            for fence, renewals, pid in some:
                argv += holder(fence, worker_id), renewals, pid or ""
            answer = self._ask("renew", [one.fence.job_id for one in some], argv)
            grants += [
                Grant(one.fence, bool(is_held), self._seconds(ttl))
                for one, is_held, ttl in zip(some, answer[::2], answer[1::2], strict=True)
            ]
        return grants

    def release(self, fences: Sequence[Fence], worker_id: str) -> int:
        """Give leases back and return how many of them were this worker's."""
        return sum(
            self._ask("release", [f.job_id for f in some], [holder(f, worker_id) for f in some])
            for some in batched(fences, _BATCH)
        )

    def witness(self, job_ids: Sequence[UUID]) -> set[UUID] | None:
        """Return the jobs whose lease is held; None while the server remembers too little to say who is dead."""
        alive: set[UUID] = set()
        for some in batched(job_ids, _BATCH) if job_ids else [()]:
            believed, *held = self._ask("witness", some, [self._period], before=[self.keys.epoch()])
            if not believed:
                return None
            alive.update(job_id for job_id, is_held in zip(some, held, strict=True) if is_held)
        return alive

    def read(self, job_ids: Sequence[UUID]) -> dict[UUID, LeaseView]:
        """Return the leases that are held on jobs, for people to look at."""
        return dict(self._views(job_ids)) if job_ids else {}

    def forget_all(self) -> int:
        """Delete every key of this prefix and return how many there were; for drills and tests."""

        def forget(client: Redis) -> int:
            keys = list(client.scan_iter(match=f"{_glob(self.keys.prefix)}:*", count=1000))
            return client.delete(*keys) if keys else 0

        return self.connection.call(forget)

    def _seconds(self, ttl: int) -> float:
        # More than the period is left when the server's clock went back; nobody may rely on more than was asked.
        return min(max(ttl, 0), self._period) / 1000

    def _ask(self, verb: str, job_ids: Iterable[UUID], argv: list[Any], *, before: Sequence[str] = ()) -> Any:
        keys = [*before, *map(self.keys.lease, job_ids)]
        return self.connection.call(lambda client: script(verb).call(client, keys, argv))

    def _views(self, job_ids: Sequence[UUID]) -> Iterable[tuple[UUID, LeaseView]]:
        def ask(client: Redis) -> list[object]:
            with client.pipeline(transaction=False) as pipe:
                for job_id in job_ids:
                    pipe.hmget(self.keys.lease(job_id), "holder", "renewals", "pid")
                    pipe.pttl(self.keys.lease(job_id))
                answers = pipe.execute(raise_on_error=False)
            # A key of another type is no lease, and must not hide the others; any other error is one of the server.
            for answer in answers:
                if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
                    raise answer
            return answers

        answers: list[object] = self.connection.call(ask)
        for job_id, fields, ttl in zip(job_ids, answers[::2], answers[1::2], strict=True):
            if isinstance(fields, list) and (who := parse_holder(fields[0])) is not None:
                assert isinstance(ttl, int)
                yield job_id, LeaseView(*who, max(ttl, 0) / 1000, _number(fields[1]) or 0, _number(fields[2]))


def _number(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) < 12 else None


def _glob(text: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in text)
