"""Which queues a worker serves, and how it divides its room among them: ``mail=3``, ``bulk-*``, ``!bulk-slow``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from .conf import suggestion

_WEIGHT = re.compile(r"(?P<pattern>.+)=(?P<weight>\d+)")
_MOST_WEIGHT = 1000


class _Word(NamedTuple):
    pattern: str
    weight: int = 1

    def is_name(self) -> bool:
        return not any(sign in self.pattern for sign in "*?[")

    def fits(self, queue: str) -> bool:
        return queue == self.pattern or fnmatchcase(queue, self.pattern)


class Queues:
    """A choice of queues by words: names and patterns as for files, with a weight or without; after ``!`` what is not.

    Without any word that chooses, all are. ``known`` are the queues that there can be; none is any. ``names`` are those
    that are served, None when they have to be looked up among those that have jobs. ``in_order`` is to serve them in
    the order of the words, a later one when there is nothing in the earlier ones; otherwise they take turns.

    Raises ValueError, saying what to do, for a word that can choose nothing.
    """

    def __init__(self, words: Sequence[str], *, known: Collection[str] = (), in_order: bool = False) -> None:
        # A queue may well be called "a=1" or "!".
        self._chosen = [_Word(word) if word in known else _read(word) for word in words if not _leaves_out(word, known)]
        self._left_out = [_Word(word[1:]) for word in words if _leaves_out(word, known)]
        self._in_order = in_order
        self._turn = 0
        for word in self._chosen + self._left_out:
            if known and not any(word.fits(queue) for queue in known):
                raise ValueError(f"There is no queue {word.pattern!r}.{suggestion(word.pattern, known)}")
        if known:
            self.names: list[str] | None = self.among(sorted(known))
        elif self._chosen and all(word.is_name() for word in self._chosen):
            self.names = self.among([word.pattern for word in self._chosen])
        else:
            self.names = None
        if self.names == []:
            raise ValueError(f"Nothing is left of {', '.join(words)}: name a queue that is not left out as well.")

    @property
    def are_all(self) -> bool:
        """Whether there may be any queues, and all of them are served."""
        return self.names is None and not self._chosen and not self._left_out

    def serves(self, queue: str) -> bool:
        """Return whether a queue is one of them."""
        return self._rank(queue) is not None and not any(word.fits(queue) for word in self._left_out)

    def among(self, queues: Iterable[str]) -> list[str]:
        """Return those of some queues that are served, in the order of the words, each once."""
        served = [queue for queue in dict.fromkeys(queues) if self.serves(queue)]
        return sorted(served, key=lambda queue: self._rank(queue) or 0)

    def portions(self, queues: Sequence[str], room: int) -> Iterator[tuple[str, int]]:
        """Yield in which queue to look for how many jobs, one after the other, until the room is full.

        Each time another queue comes first, so that a busy one cannot starve the rest. Those with weights come first
        each with its share, and then with all that is left.
        """
        in_turn = self._in_turn(queues)
        weights = [self._weight(queue) for queue in in_turn]
        if len(set(weights)) > 1:
            for queue, weight in zip(in_turn, weights, strict=True):
                yield queue, max(1, room * weight // sum(weights))
        for queue in in_turn:
            yield queue, room

    def _in_turn(self, queues: Sequence[str]) -> list[str]:
        if self._in_order or not queues:
            return list(queues)
        self._turn += 1
        first = self._turn % len(queues)
        return [*queues[first:], *queues[:first]]

    def _rank(self, queue: str) -> int | None:
        if not self._chosen:
            return 0
        return next((number for number, word in enumerate(self._chosen) if word.fits(queue)), None)

    def _weight(self, queue: str) -> int:
        rank = self._rank(queue)
        return self._chosen[rank].weight if self._chosen and rank is not None else 1


def _leaves_out(word: str, known: Collection[str]) -> bool:
    return word.startswith("!") and word not in known


def _read(word: str) -> _Word:
    match = _WEIGHT.fullmatch(word)
    if match is None:
        return _Word(word)
    weight = int(match["weight"])
    if not 1 <= weight <= _MOST_WEIGHT:
        raise ValueError(f"The weight of a queue is a whole number from 1 to {_MOST_WEIGHT}, not {weight}: {word!r}.")
    return _Word(match["pattern"], weight)
