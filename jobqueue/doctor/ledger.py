"""The ledger: how large it is."""

from __future__ import annotations

from collections.abc import Iterator

from ..database import alias, connection
from ..models import LedgerEntry
from .finding import Finding, judged
from .looks import Look

MANY = 10_000_000
# What servers know of their tables without counting.
_ESTIMATES = {
    "postgresql": "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
    "mysql": "SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
}
_COUNT_AT_MOST = 100_000


def looks() -> Iterator[Look]:
    """Yield the one look."""
    yield Look(about="ledger.size", at=_size, needs=frozenset({"database", "tables"}))


def _size() -> Iterator[Finding]:
    count = LedgerEntry.objects.using(alias()).order_by()[: _COUNT_AT_MOST + 1].count()
    if count > _COUNT_AT_MOST:
        count = max(count, _estimate())
    yield judged(
        count > MANY,
        about="ledger.size",
        says=f"The ledger has {'about ' if count > _COUNT_AT_MOST else ''}{count:,} entries.",
        means="Keys are kept for ever unless they were given a time; the table and its backups grow.",
        do="Give keys a time: using(idempotency_key=…, key_ttl=…).",
        figure=count,
        unit="entries",
    )


def _estimate() -> int:
    here = connection()
    if here.vendor not in _ESTIMATES:
        return LedgerEntry.objects.using(alias()).count()
    with here.cursor() as cursor:
        cursor.execute(_ESTIMATES[here.vendor], [LedgerEntry._meta.db_table])
        return int(cursor.fetchone()[0] or 0)
