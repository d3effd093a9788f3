"""What the verbs have in common: how they are declared, what they answer, and how jobs and backends are named."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.tasks import TaskResultStatus

from ...backend import backends
from ...conf import suggestion
from ...database import alias
from ...models import Job, JobQuerySet, Outcome, TaskDefinition
from ...tags import is_known, known_tags
from ...task import registered
from .. import choosing

FILTERS = ("status", "outcome", "queue", "task", "tag", "backend")
_TAGS = 1000
_STATUSES = [status.lower() for status in TaskResultStatus.values]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb has to say: a document for a script, the same as text for people, and whether all went well."""

    document: Any
    text: str
    well: bool = True


Act = Callable[[dict[str, Any]], Answer]


class Verbs:
    """The verbs of the command, to which each family adds its own."""

    def __init__(self, subparsers: Any) -> None:
        self._subparsers = subparsers

    def add(self, name: str, text: str, act: Act) -> argparse.ArgumentParser:
        """Declare a verb and return where its flags are declared."""
        made: argparse.ArgumentParser = self._subparsers.add_parser(name, help=text, description=text)
        made.add_argument("--json", action="store_true", help="Print one JSON document.")
        choosing.add_argument(made, argparse.SUPPRESS)
        made.set_defaults(act=act)
        return made


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Declare the flags by which jobs are chosen."""
    parser.add_argument("--status", choices=_STATUSES, metavar="STATUS", help=f"One of {', '.join(_STATUSES)}.")
    parser.add_argument("--outcome", choices=Outcome.values, metavar="WHY", help=f"One of {', '.join(Outcome.values)}.")
    parser.add_argument("--queue", help="Of this queue.")
    parser.add_argument("--task", metavar="PATH", help="Of this task, as in shop.tasks.charge.")
    parser.add_argument("--tag", help="With this tag.")
    parser.add_argument("--backend", help="Of this TASKS alias.")


def matching(options: dict[str, Any], *, of: JobQuerySet | None = None) -> JobQuerySet:
    """Return the jobs that the filters and ids choose, of some or of all."""
    jobs: JobQuerySet = Job.objects.using(alias()).all() if of is None else of
    columns = {"status": "status", "outcome": "outcome", "queue": "queue", "task": "task_path", "backend": "backend"}
    wanted = {column: options[name] for name, column in columns.items() if options[name]}
    if "status" in wanted:
        wanted["status"] = wanted["status"].upper()
    if options.get("ids"):
        wanted["pk__in"] = options["ids"]
    if options["tag"]:
        jobs = jobs.tagged(options["tag"])
    return jobs.filter(**wanted)


def doubts(options: dict[str, Any]) -> list[str]:
    """Return what may be a typing error in filters by which nothing was found, a sentence for each."""
    found, names = [], backends()
    queues = {queue for backend in names.values() for queue in backend.queues}
    tasks = {task.module_path for task in registered()}
    tasks.update(TaskDefinition.objects.using(alias()).values_list("path", flat=True))
    for name, known in (("queue", queues), ("task", tasks), ("backend", names)):
        # Where any queue may be, none is unknown.
        if options[name] and known and options[name] not in known:
            found.append(f"There is no {name} {options[name]!r}.{suggestion(options[name], known)}")
    if options["tag"] and not is_known(options["tag"]):
        close = difflib.get_close_matches(options["tag"], known_tags(most=_TAGS), n=1)
        found.append(f"No job has the tag {options['tag']!r}.{suggestion(options['tag'], close) if close else ''}")
    return found


def counted(count: int, *, past: bool = False) -> str:
    """Return ``1 job`` or ``2 jobs``, in the past with its verb."""
    one = count == 1
    return f"{count:,} {'job' if one else 'jobs'}{(' was' if one else ' were') if past else ''}"


def job_id(text: str) -> UUID:
    """Return the id that was typed."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a job") from None
