"""For how long jobs are RUNNING while nobody runs them, as somebody sees it who knows which processes live."""

from __future__ import annotations

_LONGEST_GAP = 1.5


class Ownerless:
    """Is told of all running claims at each look; time in which nobody could look or act does not count."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._since: dict[tuple[str, str], float] = {}
        self._last = 0.0

    def note(self, now: float, claims: dict[tuple[str, str], bool], *, somebody: bool = True) -> None:
        """Note which claims are RUNNING, and whether their owner is dead. `somebody` says that any worker is alive."""
        if not somebody or now - self._last > _LONGEST_GAP:
            self._since = {}
        self._last = now
        self._since = {claim: self._since.get(claim, now) for claim, dead in claims.items() if dead}
        self.longest = max([self.longest, *(now - since for since in self._since.values())])
