"""`--database`: on which alias of DATABASES a command finds the jobs, where it is not for the routers to say."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from ..conf import suggestion
from ..database import alias, choose, chosen


def add_argument(parser: ArgumentParser, default: Any) -> None:
    """Declare the flag."""
    parser.add_argument(
        "--database",
        default=default,
        metavar="ALIAS",
        help="The alias of DATABASES with the jobs (default: as DATABASE_ROUTERS says).",
    )


@contextmanager
def obeyed(options: dict[str, Any]) -> Iterator[None]:
    """Have this process find the jobs where the flag says; raises CommandError when there is no such alias."""
    before = chosen()
    choose(options.get("database") or before)
    try:
        name = alias()
        if name not in connections.settings:
            raise CommandError(
                f"DATABASES has no alias {name!r}.{suggestion(name, connections.settings)}", returncode=2
            )
        yield
    finally:
        choose(before)
