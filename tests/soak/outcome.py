"""What came of a chapter: facts are gathered, judged, and told in plain values."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from jobqueue.ledger import schedule_scope
from jobqueue.models import LedgerEntry

from . import history, models, outside, sometimes, verdict
from .campaign import Campaign, Struck
from .complaints import complaints
from .facts import Effect, Facts
from .faults.fault import Scene
from .kinds import SCHEDULE
from .operators import Operators
from .overlap import Overlap, overlaps, runs


def _facts(scene: Scene) -> Facts:
    watch = scene.watch
    return Facts(
        jobs=dict(watch.jobs),
        effects=[Effect(*row) for row in models.Effect.objects.values_list("number", "step", "job", "token")],
        counters=dict(models.Counter.objects.values_list("id", "value")),
        lines=list(history.lines()),
        retried=watch.retried,
        cancelled=watch.cancelled,
        again=watch.again,
        claims=list(watch.claims.values()),
        delivered=outside.everything(),
        ticks=_ticks(),
        clock=time.time() - time.monotonic(),
    )


def _ticks() -> dict[datetime, str]:
    entries = LedgerEntry.objects.filter(scope=schedule_scope(SCHEDULE)).order_by()
    return {datetime.fromisoformat(at): str(job_id) for at, job_id in entries.values_list("key", "job_id")}


def _reached(scene: Scene, facts: Facts) -> Counter[str]:
    """Return how often each defence was needed."""
    logs, watch = list(Path(scene.plan.directory).glob("worker-*.log")), scene.watch
    reached = sometimes.logged(logs) + sometimes.seen(facts, runs(facts.lines), watch.gone, scene.lease)
    return (
        reached
        + scene.reached
        + Counter(
            {
                "a job was handed back": watch.handed_back,
                "a job waited for a slot": watch.kept_waiting,
                "a tick was another worker's than the last": sometimes.ticked(logs),
                "a delivery was in doubt": len(watch.in_doubt),
                "a delivery in doubt was decided": watch.decided,
            }
        )
    )


def called_for(scene: Scene) -> set[str]:
    """Return the faults that would make defences needed that were not so far."""
    connection.close()  # The server may have been another one since it was opened.
    reached = _reached(scene, _facts(scene))
    return {kind for name, kind in sometimes.CALLS_FOR.items() if not reached[name]}


def conclude(scene: Scene, campaign: Campaign, operators: Operators) -> dict[str, Any]:
    watch, facts = scene.watch, _facts(scene)
    found = verdict.judge(facts)
    found.lost += watch.lost
    found.duplicated += watch.duplicated
    found.reordered += watch.reordered
    found.beyond_limits += watch.beyond_limits
    found.false_reports += watch.false_reports
    all_runs = runs(facts.lines)
    reached = _reached(scene, facts)
    reached["a running job was cancelled"] = operators.deeds["cancelled while running"]
    reached["a failed job was retried"] = operators.deeds["retried"]
    return {
        "database": scene.plan.database,
        "chapter": scene.plan.chapter,
        "jobs": len(watch.jobs),
        "runs": len(all_runs),
        "statuses": Counter(seen.status for seen in watch.jobs.values()),
        "effects": len(facts.effects),
        "wrong": [
            *found.wrong(),
            *(f"unforeseen: {text}" for text in complaints(Path(scene.plan.directory).glob("worker-*.log"))),
            *(f"unforeseen: {text}" for text in scene.crew.last_words),
            *(f"the soak itself: {error}" for error in campaign.errors),
        ],
        "overlaps": [_tell(overlap, campaign.struck, scene.lease) for overlap in overlaps(all_runs)],
        "ownerless_seconds": campaign.ownerless_before_storm,
        "ownerless_in_storm": watch.ownerless.longest,
        "lease_seconds": scene.lease,
        "faults": Counter(struck.kind for struck in campaign.struck),
        "missed": campaign.missed,
        "deeds": operators.deeds,
        "sometimes": {name: reached[name] for name in sometimes.wanted(connection.vendor)},
        "looks": watch.looks,
    }


def _tell(overlap: Overlap, struck: list[Struck], lease: float) -> dict[str, Any]:
    """Return an overlap with what was broken around it."""
    since, until = overlap.began - 3 * lease, overlap.began + overlap.seconds
    around = [fault for fault in struck if fault.began <= until and fault.ended >= since]
    return {
        **overlap._asdict(),
        "faults": sorted({fault.kind for fault in around}),
        "broken": sorted({fault.breaks for fault in around}),
    }
