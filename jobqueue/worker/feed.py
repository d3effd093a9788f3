"""Hands jobs to executors, a few ahead while they are short, and takes them back when one turns out long."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from ..lifecycle import Claim
from .crew import Crew, Executor
from .holdings import Holdings
from .pace import Pace
from .settler import Settler

# A job that runs for longer than this keeps those behind it waiting.
_LONG = 0.05


class Feed:
    """Decides which executor gets which job."""

    def __init__(self, crew: Crew, holdings: Holdings, settler: Settler, pace: Pace) -> None:
        self._crew = crew
        self._holdings = holdings
        self._settler = settler
        self._pace = pace
        self._spare: deque[Claim] = deque()

    def room(self) -> int:
        """Return how many more jobs the executors can take."""
        return sum(self._room_at(executor) for executor in self._crew.all()) - len(self._spare)

    def hand(self, claims: Iterable[Claim]) -> None:
        """Deal jobs out in order, each to the executor that has the least to do; what nobody can take is spare."""
        self._spare.extend(claims)
        hands: dict[Executor, list[Claim]] = defaultdict(list)
        rooms = {e: self._room_at(e, refill=False) for e in self._crew.all()}
        while self._spare and any(room > 0 for room in rooms.values()):
            executor = max(rooms, key=lambda e: rooms[e])
            hands[executor].append(self._spare.popleft())
            rooms[executor] -= 1
        for executor, dealt in hands.items():
            self._note(executor, dealt)

    def take_back(self, executor: Executor, serials: Iterable[int]) -> None:
        """Take back jobs that an executor has not begun."""
        executor.recalled = False
        for serial in serials:
            claim = executor.outstanding.pop(serial, None)
            holding = self._holdings.get(claim.job_id) if claim else None
            if claim is not None and holding is not None and holding.claim is claim:
                holding.executor = None
                self._spare.append(claim)

    def recall_stuck(self) -> None:
        """Ask executors that are busy with a long job for what waits behind it, and for what they have not told yet."""
        for executor in self._crew.all():
            if len(executor.outstanding) > 1 and not executor.recalled and executor.board.seconds() > _LONG:
                executor.recall()

    def recall_all(self) -> None:
        """Ask every executor for what it has not begun."""
        for executor in self._crew.all():
            executor.recall()

    def hand_back_spare(self) -> None:
        """Hand what nobody here can run now back to the queue, for other workers."""
        while self._spare:
            holding = self._holdings.get(self._spare.popleft().job_id)
            if holding is not None:
                self._settler.hand_back(holding)

    def may_get_stuck(self) -> bool:
        """Return whether some job waits behind another."""
        return any(len(executor.outstanding) > 1 for executor in self._crew.all())

    def _note(self, executor: Executor, claims: list[Claim]) -> None:
        for claim, serial in zip(claims, executor.hand(claims), strict=True):
            holding = self._holdings.get(claim.job_id)
            if holding is not None:
                holding.executor, holding.serial = executor, serial

    def _room_at(self, executor: Executor, *, refill: bool = True) -> int:
        if not executor.up or executor.retiring or executor.recalled:
            return 0
        window, waiting = self._pace.window(), len(executor.outstanding)
        if waiting and executor.board.seconds() > _LONG:
            return 0
        # Full batches cost less than a trickle: feed again when half is done.
        return 0 if refill and waiting > window // 2 else max(0, window - waiting)
