"""Hands jobs to executors, a few ahead while they are short, and takes them back when one turns out long."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from ..lifecycle import Claim
from ..points import reached
from .crew import Crew, Executor
from .holdings import Holding, Holdings
from .pace import Pace
from .settler import Settler

# A job that runs for longer than this keeps those behind it waiting.
_LONG = 0.05


class Feed:
    """Decides which executor gets which job.

    A job that has crashed before is a suspect where executors run several at once: it gets one for itself.
    """

    def __init__(self, crew: Crew, holdings: Holdings, settler: Settler, pace: Pace) -> None:
        self._crew = crew
        self._holdings = holdings
        self._settler = settler
        self._pace = pace
        self._lanes = range(len(crew.seats.lanes))
        self._spare: list[deque[Claim]] = [deque() for _ in self._lanes]
        self._suspects: deque[Claim] = deque()

    def room(self) -> int:
        """Return how many more jobs the executors can take."""
        rooms = self.rooms()
        return rooms[0] if len(rooms) == 1 else sum(max(0, room) for room in rooms)

    def rooms(self) -> list[int]:
        """Return how many more jobs of each lane the executors can take."""
        executors, held = self._open(), len(self._suspects)
        return [
            sum(self._room_at(executor, lane) for executor in executors) - len(spare) - held
            for lane, spare in enumerate(self._spare)
        ]

    def hand(self, claims: Iterable[Claim]) -> None:
        """Deal jobs out in order, each to the executor that has the least to do; what nobody can take is spare."""
        if self._crew.seats.total == 1:
            self._spare[0].extend(claims)
        else:
            for claim in claims:
                self._keep(claim)
        if self._suspects:
            self._hand_suspects()
        hands: dict[Executor, list[Claim]] = defaultdict(list)
        for lane, spare in enumerate(self._spare):
            rooms = {e: self._room_at(e, lane, refill=False) for e in self._open()} if spare else {}
            while spare and any(room > 0 for room in rooms.values()):
                executor = max(rooms, key=lambda e: rooms[e])
                hands[executor].append(spare.popleft())
                rooms[executor] -= 1
        for executor, dealt in hands.items():
            self._note(executor, dealt)

    def take_back(self, executor: Executor, serials: Iterable[int]) -> None:
        """Take back jobs that an executor has not begun."""
        executor.recalled = False
        for serial in serials:
            claim = executor.take(serial)
            holding = self._holding_of(claim) if claim is not None else None
            if claim is not None and holding is not None:
                holding.executor = None
                self._keep(claim)

    def recall_stuck(self) -> None:
        """Ask executors that are busy with long jobs for what waits behind these, and for what they have not told."""
        for executor in self._crew.all():
            if not executor.recalled and any(self._is_stuck(executor, lane) for lane in self._lanes):
                executor.recall()

    def recall_all(self) -> None:
        """Ask every executor for what it has not begun."""
        for executor in self._crew.all():
            executor.recall()

    def deal_spare(self) -> None:
        """Hand out what was taken back, and back to the queue what no free seat is there for."""
        for lane in self._lanes:
            if self._spare[lane] and not any(executor.has_free_seat(lane) for executor in self._open()):
                self._hand_back(self._spare[lane])
        self.hand([])

    def hand_back_spare(self) -> None:
        """Hand what nobody here runs yet back to the queue, for other workers."""
        for claims in (*self._spare, self._suspects):
            self._hand_back(claims)

    def has_spare(self) -> bool:
        """Return whether there are jobs that nobody here runs and that were not handed back yet."""
        return any(self._spare) or bool(self._suspects)

    def may_get_stuck(self) -> bool:
        """Return whether some job waits behind another."""
        return any(self._has_waiting(executor, lane) for executor in self._crew.all() for lane in self._lanes)

    def _keep(self, claim: Claim) -> None:
        """Keep a job until somebody can take it."""
        seats = self._crew.seats
        if seats.total > 1 and claim.crashes:
            self._suspects.append(claim)
        else:
            self._spare[seats.lane_of(claim.task_path)].append(claim)

    def _hand_back(self, claims: deque[Claim]) -> None:
        while claims:
            if (holding := self._holding_of(claims.popleft())) is not None:
                self._settler.hand_back(holding)

    def _holding_of(self, claim: Claim) -> Holding | None:
        """Return what is held by a claim; None when it is over, though the job may be ours once more by another."""
        holding = self._holdings.get(claim.job_id)
        return holding if holding is not None and holding.claim is claim else None

    def _hand_suspects(self) -> None:
        """Give suspects to those who have nothing to do, one each."""
        for executor in self._crew.free():
            if self._suspects and not executor.recalled:
                claim = self._suspects.popleft()
                self._note(executor, [claim])
                executor.alone = next(reversed(executor.outstanding))

    def _open(self) -> list[Executor]:
        """Return the executors that may be given jobs: while suspects wait, not the one that is empty the soonest."""
        executors = self._crew.all()
        if self._crew.seats.total > 1:
            for executor in executors:
                if executor.alone not in executor.outstanding:
                    executor.alone = 0
            executors = [executor for executor in executors if not executor.alone]
            if self._suspects and executors and len(executors) == len(self._crew.all()):
                executors.remove(min(executors, key=lambda e: len(e.outstanding)))
        return executors

    def _note(self, executor: Executor, claims: list[Claim]) -> None:
        reached("hand.before")
        held = [self._holding_of(claim) for claim in claims]
        # What is held no more is another's: it is not to be begun.
        since = [holding.since if holding is not None else 0.0 for holding in held]
        for holding, serial in zip(held, executor.hand(claims, since), strict=True):
            if holding is not None:
                holding.executor, holding.serial = executor, serial
        reached("hand.after")

    def _has_waiting(self, executor: Executor, lane: int) -> bool:
        return executor.has(lane) > len(executor.seats.lanes[lane])

    def _is_stuck(self, executor: Executor, lane: int) -> bool:
        seats = len(executor.seats.lanes[lane])
        return executor.has(lane) > seats and executor.busy(lane, _LONG) == seats

    def _room_at(self, executor: Executor, lane: int, *, refill: bool = True) -> int:
        if not executor.up or executor.retiring or executor.recalled:
            return 0
        seats, waiting = len(executor.seats.lanes[lane]), executor.has(lane)
        # Nothing is sent to wait behind a long job.
        long = executor.busy(lane, _LONG) if waiting else 0
        most = self._pace.window(seats - long) + long
        # Full batches cost less than a trickle: feed again when half is done.
        return 0 if refill and waiting >= seats and waiting > most // 2 else max(0, most - waiting)
