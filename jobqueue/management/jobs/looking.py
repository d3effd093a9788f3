"""Verbs that only look: status, list, show."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from ...database import alias
from ...models import Job
from .. import telling
from .verbs import Answer, Verbs, add_filters, doubts, job_id, matching


def add(verbs: Verbs) -> None:
    """Declare them."""
    verbs.add("status", "How many jobs wait, run and failed in each queue, and which workers there are.", _status)
    listing = verbs.add("list", "The jobs that match, the newest first.", _list)
    add_filters(listing)
    listing.add_argument("--limit", type=_number, default=20, metavar="N", help="At most so many (default: 20).")
    showing = verbs.add("show", "One job, with its attempts, what they logged and their errors.", _show)
    showing.add_argument("id", type=job_id)


def _status(options: dict[str, Any]) -> Answer:
    found = telling.status()
    return Answer(found, telling.status_text(found))


def _list(options: dict[str, Any]) -> Answer:
    jobs = [telling.row(job) for job in matching(options).order_by("-pk")[: options["limit"]]]
    return Answer(jobs, "\n".join([telling.list_text(jobs), *([] if jobs else doubts(options))]))


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number, 1 or more")
    return int(text)


def _show(options: dict[str, Any]) -> Answer:
    job = Job.objects.using(alias()).filter(pk=options["id"]).first()
    if job is None:
        raise CommandError(f"There is no job {options['id']}; it may have been pruned.")
    found = telling.whole(job)
    return Answer(found, telling.whole_text(found))
