"""`manage.py jobs …`: what an operator asks and does from a terminal or a script; the verbs are in management/jobs."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import DatabaseError, InterfaceError, OperationalError

from jobqueue.management import choosing
from jobqueue.management.jobs import FAMILIES, Answer, Verbs
from jobqueue.task import discover

_INTERRUPTED = 130  # What a shell says of a program that Ctrl-C has ended.


class Command(BaseCommand):
    """Look at jobs, retry, cancel, copy, decide and prune them, pause tasks and queues, run schedules."""

    help = (
        "Look at jobs, retry, cancel, copy, decide, prune, pause tasks and queues. "
        "Exit status: 0 all done, 1 not, 2 misused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs and their flags."""
        verbs = Verbs(parser.add_subparsers(title="verbs", dest="verb", required=True))
        for family in FAMILIES:
            family.add(verbs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run as Django does, in no colours where NO_COLOR asks for none (no-color.org)."""
        if os.environ.get("NO_COLOR") and not options["force_color"]:
            options["no_color"] = True
        return super().execute(*args, **options)

    # Scripts read it, too, and the admin's words for states are not the same in every language.
    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked, and exit with its status."""
        try:
            with choosing.obeyed(options):
                discover()
                answer: Answer = options["act"](options)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(_trouble(error)) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was done until now stays done, each job as a whole.")
            raise SystemExit(_INTERRUPTED) from None
        self._say(json.dumps(answer.document, default=str, indent=1) if options["json"] else answer.text)
        if not answer.well:
            raise SystemExit(1)

    def _say(self, text: str) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # A terminal may have no → and no ….
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough, as `head` has. Python would complain of it once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _trouble(error: Exception) -> str:
    told = " ".join(str(error).split())
    is_silent = isinstance(error, OperationalError | InterfaceError) and "no such" not in told
    return f"The database does not answer: {told}" if is_silent else f"{told}: has `migrate` been run?"
