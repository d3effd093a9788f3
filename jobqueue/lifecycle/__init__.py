"""Every change of a job's status there is, one verb a file. Nothing else writes jobs or attempts; nothing here logs.

::

                     ┌───────────── release · fail (again) · rescue · crash ─────────────┐
                     ▼                                                                  │
    create ───▶   READY   ─────────────────── claim ───────────────────▶   RUNNING ─────┤
                     │  ▲                                                    │           │
      cancel · judge │  └ retry·decide FAILED  ◀── fail · crash · cancel ─────┤           │
                     └────────────▶    │                                    │ succeed · settle
                                       ▼                                    ▼
                                     prune  ◀──────────────────────────  SUCCESSFUL

A job that waits for others is READY behind a gate, and a claim leaves it out until judge has opened that. One that
waits for its time is due at once when it is told to hasten.

Each verb is one conditional UPDATE that names what it expects. The verbs of an owner name the token of its claim;
those that judge an owner name the token they judged. "No row changed" means: it was not so, and nothing happened.
"""

from .attempts import Renewal, close_attempts, count_refused, record_renewals
from .cancel import cancel
from .cancel_many import cancel_many
from .claim import Claim, claim
from .commit import create_waiting, drop, judge_commit, open_gate, waiting_for_commit
from .create import Created, create, create_many
from .create_each import Answer, create_each
from .decide import do_again, was_done
from .depend import any_dependencies
from .fail import Failure, crash, fail
from .gates import gate_behind, gate_of
from .hasten import hasten
from .judge import Judged, follow, judge, sweep
from .keep_logs import keep_logs
from .limits import (
    Ask,
    Head,
    Key,
    Taken,
    anything_limited,
    claim_limited,
    first_free_priority,
    heads,
    limited_queues,
    look_at,
    prune_limits,
    slots_taken,
    waiting_keys,
)
from .look import held_tokens, next_due, ready_queues
from .many import Many
from .prune import prunable, prune, prune_keys, prune_workers
from .release import release
from .rescue import Orphan, Silent, orphans, rescue, silent_workers
from .retry import retry
from .retry_many import retry_many
from .settle import decided, held, hold, settle, settle_free, steps_committed, succeed

__all__ = [
    "Answer",
    "Ask",
    "Claim",
    "Created",
    "Failure",
    "Head",
    "Judged",
    "Key",
    "Many",
    "Orphan",
    "Renewal",
    "Silent",
    "Taken",
    "any_dependencies",
    "anything_limited",
    "cancel",
    "cancel_many",
    "claim",
    "claim_limited",
    "close_attempts",
    "count_refused",
    "crash",
    "create",
    "create_each",
    "create_many",
    "create_waiting",
    "decided",
    "do_again",
    "drop",
    "fail",
    "first_free_priority",
    "follow",
    "gate_behind",
    "gate_of",
    "hasten",
    "heads",
    "held",
    "held_tokens",
    "hold",
    "judge",
    "judge_commit",
    "keep_logs",
    "limited_queues",
    "look_at",
    "next_due",
    "open_gate",
    "orphans",
    "prunable",
    "prune",
    "prune_keys",
    "prune_limits",
    "prune_workers",
    "ready_queues",
    "record_renewals",
    "release",
    "rescue",
    "retry",
    "retry_many",
    "settle",
    "settle_free",
    "silent_workers",
    "slots_taken",
    "steps_committed",
    "succeed",
    "sweep",
    "waiting_for_commit",
    "waiting_keys",
    "was_done",
]
