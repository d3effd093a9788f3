"""The claimers of a worker: one for each lane, so that functions are not claimed for the seats of coroutines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..lifecycle import Claim
from .claimer import Claimer


class Claimers:
    """Claims for every lane that has room; rooms are given in the order of lanes."""

    def __init__(self, claimers: Sequence[Claimer]) -> None:
        self._claimers = claimers

    def look_now(self) -> None:
        """Have the next look come at once: something may be due. Safe in any thread."""
        for claimer in self._claimers:
            claimer.look_now()

    def nothing_due(self) -> bool:
        """Return whether the last look of each found nothing more, and nobody said since that there is."""
        return all(claimer.nothing_due() for claimer in self._claimers)

    def wait_seconds(self, rooms: Sequence[int]) -> float:
        """Return in how many seconds to look again where there is room; there has to be some."""
        pairs = zip(self._claimers, rooms, strict=True)
        return min(claimer.wait_seconds() for claimer, room in pairs if room > 0)

    def claim(self, rooms: Sequence[int]) -> Iterator[list[Claim]]:
        """Claim up to that many jobs and take their leases, where it is time to look; raises DatabaseError.

        Those of each lane come by themselves: they are held by now, and must not be forgotten when the next lane's
        claim fails.
        """
        for claimer, room in zip(self._claimers, rooms, strict=True):
            yield claimer.claim(room)
