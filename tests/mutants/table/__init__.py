"""All mutants, by what their mechanism protects."""

from __future__ import annotations

import difflib

from tests.mutants.mutant import Mutant
from tests.mutants.table import (
    claiming,
    committing,
    delivering,
    elsewhere,
    ending,
    enqueueing,
    judging,
    leasing,
    limiting,
    owning,
    scheduling,
    stopping,
    waiting,
)

MUTANTS: tuple[Mutant, ...] = (
    *owning.MUTANTS,
    *committing.MUTANTS,
    *delivering.MUTANTS,
    *leasing.MUTANTS,
    *judging.MUTANTS,
    *stopping.MUTANTS,
    *claiming.MUTANTS,
    *limiting.MUTANTS,
    *ending.MUTANTS,
    *enqueueing.MUTANTS,
    *elsewhere.MUTANTS,
    *waiting.MUTANTS,
    *scheduling.MUTANTS,
)

# Each of these has to be killed twice: by a schedule of the simulator, and by a race or by real processes.
CARDINAL = (
    "fence",
    "ledger",
    "comparing-release",
    "comparing-rescue",
    "locking-read",
    "epoch",
    "second-witness",
    "read-only-sessions",
    "renewer-outside",
    "owner-stops-first",
    "execute-wrapper",
)


def find(name: str) -> Mutant:
    """Return the mutant of that name; raises LookupError, with a suggestion, when there is none."""
    for mutant in MUTANTS:
        if mutant.name == name:
            return mutant
    close = difflib.get_close_matches(name, [mutant.name for mutant in MUTANTS], n=1)
    raise LookupError(f"There is no mutant {name!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
