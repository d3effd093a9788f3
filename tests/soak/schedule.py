"""Which faults come when, and whom they hit: a function of the seed alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from .faults.fault import Strike


def one_of_each(seed: str, kinds: Sequence[str]) -> list[Strike]:
    """Return a strike of every kind, in some order."""
    dice = random.Random(f"{seed}:each")
    return [_strike(dice, kind, 0.5) for kind in dice.sample(sorted(kinds), len(kinds))]


def at_random(seed: str, kinds: Sequence[str], *, pause: float) -> Iterator[Strike]:
    """Yield strikes without end; `pause` is the mean of the seconds between them."""
    dice = random.Random(f"{seed}:random")
    for _ in itertools.count():
        yield _strike(dice, dice.choice(sorted(kinds)), pause)


def _strike(dice: random.Random, kind: str, pause: float) -> Strike:
    return Strike(kind, dice.random(), dice.random(), dice.uniform(0.5, 1.5) * pause)
