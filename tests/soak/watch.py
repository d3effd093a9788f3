"""The outside observer: looks at all jobs again and again, and notices what must never be seen.

A finished job that changes though no operator retried it, an attempt that falls, a token that comes back, a success
without its effects, a job that is gone: each is seen by comparing two looks. It prunes too, but only what it has seen.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import batched

from jobqueue import lifecycle
from jobqueue.models import Attempt, Job
from jobqueue.models import Worker as WorkerRow

from . import models
from .claims import Claim, active_twice, crowds_of
from .facts import SUCCESSFUL, Seen
from .kinds import LEAVES, LIMITS, kind_of, number_of, slots_of
from .ownerless import Ownerless
from .rounds import Rounds

_LOOK_SECONDS = 0.4
_PRUNE_SECONDS = 2.0
_OLD = timedelta(seconds=12)
_AFTER_CRASH = 20.0
_COLUMNS = (
    "id", "status", "outcome", "attempt", "token", "crashes", "worker_id", "finished_at", "result", "started_at"
)  # fmt: skip


class Watch(Rounds):
    """Looks until stopped. `jobs` is what was seen last of every job there ever was."""

    def __init__(self, alive: Callable[[int], bool]) -> None:
        super().__init__("watch")
        self.jobs: dict[str, Seen] = {}
        self.retried: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.claims: dict[tuple[str, str], Claim] = {}
        self.in_doubt: set[str] = set()
        self.duplicated: list[str] = []
        self.beyond_limits: list[str] = []
        self.cancelled: set[str] = set()
        self.reordered: list[str] = []
        self.false_reports: list[str] = []
        self.lost: list[str] = []
        self.gone: dict[str, float] = {}
        self.pids: dict[str, int] = {}
        self.beats: dict[int, tuple[object, float]] = {}
        self.handed_back = self.looks = self.kept_waiting = self.decided = 0
        self.ownerless = Ownerless()
        self._alive = alive
        self._forgiven: Counter[str] = Counter()
        self._present: set[str] = set()
        self._crashed_at = -_AFTER_CRASH
        self._next_prune = time.monotonic()

    def _pause(self) -> float:
        return _LOOK_SECONDS

    def _round(self) -> None:
        self.look()
        self._prune()

    def server_crashed(self) -> None:
        """Note that the server was killed a moment ago."""
        self._crashed_at = time.monotonic()

    def present(self) -> list[Seen]:
        """Return the jobs that have a row, as of the last look."""
        return [self.jobs[job_id] for job_id in self._present]

    def open_ends(self) -> list[Seen]:
        """Return the jobs that have not ended, as of the last look."""
        return [seen for job_id in self._present if not (seen := self.jobs[job_id]).finished]

    def look(self) -> None:
        """Look at every row once."""
        rows = {str(row[0]): row[1:] for row in Job.objects.order_by().values_list(*_COLUMNS)}
        numbers = self._numbers_of(rows.keys() - self.jobs.keys())
        fresh, ended = list[Seen](), list[Seen]()
        for job_id, row in rows.items():
            before = self.jobs.get(job_id)
            status, outcome, attempt, token, crashes, worker, finished_at, result, started_at = row
            now = Seen(
                job_id, before.number if before else numbers[job_id], status, outcome, attempt,
                str(token or ""), crashes, worker, str(finished_at or ""), result, str(started_at or ""),
            )  # fmt: skip
            if now != before:
                if before is not None:
                    self._compare(before, now)
                if now.status == SUCCESSFUL:
                    fresh.append(now)
                if now.finished and slots_of(now.number)[0]:
                    ended.append(now)
                self.jobs[job_id] = now
        self._miss(rows.keys())
        self._present = set(rows)
        self._count_at_once()
        self._ask_for_effects(fresh)
        self._ask_for_claims(ended)
        self._ask_for_owners()
        self.looks += 1

    def _ask_for_owners(self) -> None:
        rows = list(WorkerRow.objects.values_list("id", "pid", "heartbeat_at"))
        self.pids.update({name: pid for name, pid, _ in rows})
        for _, pid, beat in rows:
            if self.beats.get(pid, (None, 0.0))[0] != beat:
                self.beats[pid] = beat, time.monotonic()
        running = [seen for job_id in self._present if (seen := self.jobs[job_id]).status == "RUNNING"]
        dead = {(s.id, s.token): not self._alive(self.pids.get(s.worker, 0)) for s in running}
        self.ownerless.note(time.monotonic(), dead, somebody=any(map(self._alive, self.pids.values())))

    def _numbers_of(self, ids: Iterable[str]) -> dict[str, str]:
        numbers = {}
        for some in batched(ids, 500):
            for job_id, arguments in Job.objects.filter(pk__in=some).values_list("id", "arguments"):
                numbers[str(job_id)] = number_of(job_id, arguments["args"][0])
        return numbers

    def _compare(self, before: Seen, now: Seen) -> None:
        if before.finished:
            if before.status == "FAILED" and self._forgiven[now.id] < self.retried[now.id]:
                self._forgiven[now.id] += 1
            else:
                self.reordered.append(f"{before} became {now}")
        self.handed_back += now.outcome == "released" != before.outcome
        if now.outcome == "in_doubt":
            self.in_doubt.add(now.id)
        again = now.attempt == before.attempt and before.token and now.token not in ("", before.token)
        # Nobody waits until a claim is on the disk, so it may be lost with the server; its token never returns.
        lost = before.status == "RUNNING" and time.monotonic() - self._crashed_at < _AFTER_CRASH
        # But for those that are counted: a slot that is taken must not be forgotten.
        lost = lost and kind_of(now.number) not in LIMITS
        if (now.attempt < before.attempt or again) and not lost:
            self.reordered.append(f"The attempt fell or was given twice: {before} became {now}")

    def _miss(self, there: Iterable[str]) -> None:
        for job_id in self._present - set(there):
            self.gone[job_id] = time.monotonic()
            if not self.jobs[job_id].finished:
                self.lost.append(f"Its row is gone: {self.jobs[job_id]}")

    def _count_at_once(self) -> None:
        """Compare what runs, and what is active, with how much of it may: all rows are of one moment."""
        some = [self.jobs[job_id] for job_id in self._present]
        running = [seen.number for seen in some if seen.status == "RUNNING"]
        self.beyond_limits += [f"Seen to run at once: {crowd}" for crowd in crowds_of(running)]
        active = [seen.number for seen in some if not seen.finished]
        self.duplicated += active_twice(active)
        kinds = Counter(map(kind_of, active))
        full = Counter(map(kind_of, running))
        self.kept_waiting += sum(full[kind] == limit < kinds[kind] for kind, limit in LIMITS.items())

    def _ask_for_claims(self, ended: list[Seen]) -> None:
        """Keep from when to when each claim of a job lasted that has ended."""
        numbers = {seen.id: seen.number for seen in ended}
        for some in batched(numbers, 500):
            closed = Attempt.objects.filter(job_id__in=some, started_at__isnull=False, ended_at__isnull=False)
            for attempt in closed.order_by():
                number = numbers[str(attempt.job_id)]
                moments = attempt.started_at.timestamp(), attempt.ended_at.timestamp()
                self.claims[number, str(attempt.token)] = Claim(
                    number, str(attempt.token), *moments, outcome=attempt.outcome
                )
        # The attempt of one that went well is closed later than it ended.
        for seen in ended:
            if seen.status == SUCCESSFUL:
                claim = Claim(seen.number, seen.token, seen.began, seen.ended, seen.outcome)
                self.claims[seen.number, seen.token] = claim

    def _ask_for_effects(self, done: list[Seen]) -> None:
        """What says that it is done must have its effects by now, not some time later."""
        wanted = {seen.number: seen for seen in done if LEAVES.get(kind_of(seen.number))}
        for some in batched(wanted, 500):
            found = Counter(models.Effect.objects.filter(number__in=some).values_list("number", flat=True))
            self.false_reports += [
                f"Said to be done before its effects were there: {wanted[number]}"
                for number in some
                if found[number] < len(LEAVES[kind_of(number)])
            ]

    def _prune(self) -> None:
        now = time.monotonic()
        if now >= self._next_prune:
            self._next_prune = now + _PRUNE_SECONDS
            lifecycle.prune("default", older_than=_OLD, limit=500)
