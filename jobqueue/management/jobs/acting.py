"""Verbs that do something to jobs: retry, cancel, run, copy, prune."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.db.models import Q

from ... import lifecycle, operations, retention
from ...conf import is_days
from ...database import DatabaseNow, alias, clock
from ...models import Job, JobQuerySet, Outcome
from ...moments import NoMoment, example, moment_of
from ...operations import Report
from ...retention import Rule
from ..backends import backend_named
from .verbs import FILTERS, Answer, Verbs, add_filters, counted, doubts, job_id, matching

_SAID = 10


def add(verbs: Verbs) -> None:
    """Declare them."""
    for name, text, act in (
        ("retry", "Have failed jobs attempted again, with full budgets.", _retry),
        ("cancel", "Cancel jobs that wait or run.", _cancel),
        ("run", "Have jobs that wait for their time begin now.", _run),
        ("copy", "Enqueue jobs anew, with the same task and arguments.", _copy),
    ):
        acting = verbs.add(name, text, act)
        acting.add_argument("ids", nargs="*", type=job_id, metavar="id")
        add_filters(acting)
        acting.add_argument("--all", action="store_true", help="All that can be, whatever they are.")
        acting.add_argument("--dry-run", action="store_true", help="Only say how many they are.")
        if name == "retry":
            acting.add_argument(
                "--at", metavar="WHEN", help=f"Not before then: a delay, as 2h or 30m, or a time, as '{example()}'."
            )
    pruning = verbs.add("prune", "Delete jobs that finished long ago; keys stay known in the ledger.", _prune)
    pruning.add_argument(
        "--days", type=_days, metavar="D", help="Finished longer ago than that (default: as RETENTION_DAYS says)."
    )
    pruning.add_argument("--backend", default="default", help="Of this TASKS alias (default: default).")
    pruning.add_argument("--dry-run", action="store_true", help="Only say how many they are.")


def _retry(options: dict[str, Any]) -> Answer:
    failed = Job.objects.using(alias()).failed().exclude(outcome=Outcome.IN_DOUBT)
    try:
        at = options["at"] and moment_of(options["at"], now=clock(connections[alias()]))
    except NoMoment as error:
        raise CommandError(f"--at {options['at']}: {error}", returncode=2) from None
    return _act(options, failed, "retried", lambda jobs: operations.retry(jobs, at=at))


def _cancel(options: dict[str, Any]) -> Answer:
    unfinished = Job.objects.using(alias()).unfinished()
    return _act(options, unfinished, "cancelled", lambda jobs: operations.cancel(jobs, by="manage.py"))


def _run(options: dict[str, Any]) -> Answer:
    later = Job.objects.using(alias()).ready().filter(due_at__gt=DatabaseNow())
    return _act(options, later, "made due", operations.run_now)


def _copy(options: dict[str, Any]) -> Answer:
    return _act(options, Job.objects.using(alias()).all(), "copied", operations.copy)


def _act(options: dict[str, Any], possible: JobQuerySet, done: str, act: Callable[[JobQuerySet], Report]) -> Answer:
    named = options["ids"] or any(options[name] for name in FILTERS)
    if not named and not options["all"]:
        raise CommandError("Name jobs by their ids, or by filters; or say --all.", returncode=2)
    # What was named by its id and cannot be changed is told; what a filter matches by the way is not meant.
    jobs = matching(options, of=Job.objects.using(alias()) if options["ids"] else possible)
    if options["dry_run"]:
        count = jobs.count()
        lines = [f"{counted(count)} would be {done}.", *([] if count else doubts(options))]
        return Answer({"would_be": done, "count": count}, "\n".join(lines))
    report = act(jobs)
    missing = [str(it) for it in options["ids"] if not Job.objects.using(alias()).filter(pk=it).exists()]
    skipped = [*report.skipped, *(f"Job {it} does not exist." for it in missing)]
    passed_over = report.passed_over + len(missing)
    more = [f"… and {passed_over - _SAID:,} more."] if passed_over > _SAID else []
    nothing = not report.done and not passed_over
    lines = [f"{counted(report.done, past=True)} {done}.", *_followed(report)]
    lines += [*(doubts(options) if nothing else skipped[:_SAID]), *more]
    document = {done: report.done, "passed_over": passed_over, "skipped": skipped}
    document |= {"let_go": report.let_go, "ended": report.ended}
    if "copied" in document:
        document["made"] = report.made
    return Answer(document, "\n".join(lines), well=not passed_over)


def _followed(report: Report) -> list[str]:
    """Return what came of the jobs that waited for these, and the new ones, a sentence for each."""
    ended = f"{counted(report.ended)} that waited {'has' if report.ended == 1 else 'have'} ended, too."
    let_go = f"{counted(report.let_go)} that waited may begin now."
    told = [text for count, text in ((report.ended, ended), (report.let_go, let_go)) if count]
    more = [f"… and {report.done - _SAID:,} more."] if report.made and report.done > _SAID else []
    return [*told, *(f"New: job {made}" for made in report.made[:_SAID]), *more]


def _prune(options: dict[str, Any]) -> Answer:
    backend, days = backend_named(options["backend"]), options["days"]
    rules = retention.rules(backend.settings) if days is None else [Rule(timedelta(days=days), Q())]
    count = 0
    for older_than, of in rules:
        if options["dry_run"]:
            count += lifecycle.prunable(backend.alias, older_than=older_than, of=of).count()
        else:
            while pruned := lifecycle.prune(backend.alias, older_than=older_than, of=of):
                count += pruned
    if options["dry_run"]:
        return Answer({"would_be": "pruned", "count": count}, f"{counted(count)} would be pruned.")
    return Answer({"pruned": count}, f"{counted(count, past=True)} pruned.")


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not is_days(days):
        raise argparse.ArgumentTypeError(f"{text} is no number of days, 0 or more")
    return days
