"""Every change of a job's status there is, one verb a file. Nothing else writes jobs or attempts; nothing here logs.

::

                     ┌───────────── release · fail (again) · rescue · crash ─────────────┐
                     ▼                                                                  │
    create ───▶   READY   ─────────────────── claim ───────────────────▶   RUNNING ─────┤
                     │  ▲                                                    │           │
              cancel │  └── retry ──  FAILED  ◀── fail · crash · cancel ─────┤           │
                     └────────────▶    │                                    │ succeed · settle
                                       ▼                                    ▼
                                     prune  ◀──────────────────────────  SUCCESSFUL

Each verb is one conditional UPDATE that names what it expects. The verbs of an owner name the token of its claim;
those that judge an owner name the token they judged. "No row changed" means: it was not so, and nothing happened.
"""

from .attempts import Renewal, close_attempts, count_refused, record_renewals
from .cancel import cancel
from .claim import Claim, claim
from .create import Created, create, create_many
from .fail import Failure, crash, fail
from .look import held_tokens, next_due, ready_queues
from .prune import prune, prune_workers
from .release import release
from .rescue import Orphan, orphans, rescue
from .retry import retry
from .settle import decided, hold, settle, succeed

__all__ = [
    "Claim",
    "Created",
    "Failure",
    "Orphan",
    "Renewal",
    "cancel",
    "claim",
    "close_attempts",
    "count_refused",
    "crash",
    "create",
    "create_many",
    "decided",
    "fail",
    "held_tokens",
    "hold",
    "next_due",
    "orphans",
    "prune",
    "prune_workers",
    "ready_queues",
    "record_renewals",
    "release",
    "rescue",
    "retry",
    "settle",
    "succeed",
]
