"""The verb by which somebody says what came of a delivery in doubt."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from ... import operations
from ...errors import InvalidResult, WrongState
from ...strict import NotStrict, read
from .verbs import Answer, Verbs, job_id


def add(verbs: Verbs) -> None:
    """Declare it."""
    deciding = verbs.add("decide", "Say whether what a job delivers, and is in doubt, was done; it goes on.", _decide)
    deciding.add_argument("id", type=job_id)
    answers = deciding.add_mutually_exclusive_group(required=True)
    answers.add_argument("--done", action="store_true", help="It was done: it is not done again.")
    answers.add_argument("--again", action="store_true", help="It was not done: it is done now.")
    deciding.add_argument("--receipt", type=_json, metavar="JSON", help="With --done: what the job gets for it.")
    deciding.add_argument("--step", help="Which, if more than one is in doubt.")


def _decide(options: dict[str, Any]) -> Answer:
    if options["again"] and options["receipt"] is not None:
        raise CommandError("--receipt goes with --done.", returncode=2)
    job, step = options["id"], options["step"]
    try:
        if options["done"]:
            decided = operations.was_done(job, step, receipt=options["receipt"], by="manage.py")
            return Answer({"job": job, "step": decided, "decided": "done"}, f"{decided!r} of job {job} was done.")
        decided = operations.do_again(job, step)
    except (WrongState, InvalidResult) as error:
        raise CommandError(str(error)) from error
    return Answer({"job": job, "step": decided, "decided": "again"}, f"{decided!r} of job {job} will be done again.")


def _json(text: str) -> Any:
    try:
        return read(text)
    except NotStrict:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: a text is written as '\"ch_1\"'") from None
