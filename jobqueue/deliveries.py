"""What the ledger tells of effects outside the database: intended, and perhaps received. Reads only.

An entry without a value is an intent of which nobody can be asked what came of it; ``{"lookup": true}`` is one of which
the task's ``lookup`` can; ``{"receipt": …}`` says that it was done, and what the other side answered.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from .database import alias
from .errors import InvalidRow, WrongState
from .ledger import delivery_scope
from .models import LedgerEntry
from .sentences import Sentence, said

OPEN: dict[bool, Any] = {False: None, True: {"lookup": True}}


class Delivery(NamedTuple):
    """One effect outside the database. `is_done` says whether there is a receipt, `by` who said so if not the job."""

    entry: LedgerEntry
    is_done: bool
    receipt: Any
    has_lookup: bool
    by: str

    @property
    def state(self) -> str:
        """What is known of it: "done", "asked" (the task asks the other side in its next attempt), or "in doubt"."""
        return "done" if self.is_done else ("asked" if self.has_lookup else "in doubt")

    @property
    def step(self) -> str:
        """The name of the step."""
        return self.entry.key

    @property
    def key(self) -> str:
        """The idempotency key that the other side was given, if it was given one."""
        return f"{self.entry.job_id}:{self.entry.key}"


def receipt_of(receipt: Any, *, by: str = "") -> dict[str, Any]:
    """Return what is entered once it is known that it was done."""
    return {"receipt": receipt, "by": by} if by else {"receipt": receipt}


def read(entry: LedgerEntry) -> Delivery:
    """Return what an entry tells; raises InvalidRow for one that jobqueue has not written."""
    match entry.value:
        case None:
            return Delivery(entry, False, None, False, "")
        case {"lookup": True}:
            return Delivery(entry, False, None, True, "")
        case {"receipt": receipt, **rest}:
            return Delivery(entry, True, receipt, False, str(rest.get("by", "")))
    raise InvalidRow(
        Sentence(
            "The ledger's entry of the delivery %(step)r of job %(job)s was not written by jobqueue.",
            step=entry.key,
            job=entry.job_id,
        )
    )


def of_job(job_id: UUID) -> list[Delivery]:
    """Return what a job delivers, as far as it has come, in order."""
    entries = LedgerEntry.objects.using(alias()).filter(scope=delivery_scope(job_id)).order_by("pk")
    return [read(entry) for entry in entries]


def undecided(job_id: UUID) -> list[Delivery]:
    """Return those of which it is not known whether they were done; raises WrongState when an entry tells nonsense."""
    try:
        found = of_job(job_id)
    except InvalidRow as why:
        raise WrongState(
            Sentence("%(why)s Set its value to NULL, and it is in doubt and can be decided.", why=said(why))
        ) from why
    return [delivery for delivery in found if not delivery.is_done]
