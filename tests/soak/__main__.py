"""``python -m tests.soak``: breaks everything at random, for as long as it is told to, and counts what went wrong."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path

from . import report
from .problems import problems
from .runner import Order, Runner

DATABASES = ("sqlite", "postgresql", "mariadb")


def main() -> int:
    """Return 0 when nothing was wrong and every defence was needed."""
    options = _arguments().parse_args()
    seconds = options.seconds or 60 * options.minutes
    seed = options.seed if options.seed is not None else secrets.randbelow(100_000)
    order = Order(
        databases=options.databases.split(","),
        seed=seed,
        seconds=seconds,
        chapter_seconds=min(seconds, options.chapter),
        first_chapter=options.first_chapter,
        faults=tuple(options.faults.split(",")) if options.faults else (),
        unfenced=options.unfenced,
        keep=options.keep,
    )
    print(f"Seed {seed}: {len(order.chapters)} × {order.chapter_seconds:g} s on {options.databases}.", flush=True)
    try:
        found = Runner(order).run()
    except KeyboardInterrupt:
        print("Interrupted. Nothing of the soak is left.", file=sys.stderr)
        return 130
    print(report.text(found))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    wrong = problems(found)
    if options.publish and not wrong:
        report.publish(found)
    return 1 if wrong else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long faults last, on all databases at once")
    parser.add_argument("--seconds", type=float, help="the same, in seconds")
    parser.add_argument("--seed", type=int, help="which faults; without it a new one is chosen and printed")
    parser.add_argument("--databases", default=",".join(DATABASES), help="which, separated by commas")
    parser.add_argument("--unfenced", action="store_true", help="write as in most queues, outside a fence: has to fail")
    parser.add_argument("--faults", help="only these, separated by commas")
    parser.add_argument(
        "--chapter", type=float, default=300.0, help="seconds after which all is checked and begun anew"
    )
    parser.add_argument("--first-chapter", type=int, default=0, help="where to begin: repeats a later chapter alone")
    parser.add_argument(
        "--keep", action="store_true", help="keep logs and record of chapters in which nothing was wrong"
    )
    parser.add_argument("--json", metavar="FILE", help="write all that was found")
    parser.add_argument("--publish", action="store_true", help="if nothing is wrong, write docs/reliability.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
