"""``python -m tests.mutants``: switches off one mechanism after the other and prints who notices."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack

from project.embedded import embedded_redis
from tests.mutants import page, runs
from tests.mutants.databases import databases
from tests.mutants.runs import NEEDS, Row
from tests.mutants.table import MUTANTS, find


def main() -> int:
    """Return 0 when every killer that could run has killed, with --strict only if all of them could."""
    options = _arguments().parse_args()
    if options.write:
        page.FILE.write_text(page.render())
        return 0
    mutants = [find(name) for name in options.names] or MUTANTS
    there = databases([os.environ.get("DATABASE_URL") or "sqlite://", options.postgres, options.mariadb])
    groups, rows = runs.plan(mutants, there, everywhere=options.everywhere)
    killers = sum(len(group.killers) for group in groups)
    print(f"{len(mutants)} mutants, {killers} runs of killers on {', '.join(map(str, there))}.", flush=True)
    began = time.monotonic()
    with ExitStack() as stack:
        redis_url = options.redis or os.environ.get("REDIS_URL") or stack.enter_context(embedded_redis())
        for done in runs.run(groups, jobs=options.jobs, redis_url=redis_url):
            rows += done
            print(*(_line(row) for row in done), sep="\n", flush=True)
    return _conclude(rows, strict=options.strict, seconds=time.monotonic() - began)


def _conclude(rows: list[Row], *, strict: bool, seconds: float) -> int:
    words = Counter("killed" if row.word == "killed" else NEEDS if row.word.startswith(NEEDS) else "" for row in rows)
    bad = [row for row in rows if row.word != "killed" and (strict or not row.word.startswith(NEEDS))]
    homeless = [row for row in rows if row.word.startswith(NEEDS)]
    if homeless or bad:
        print("\nNot killed:")
        print(*(_line(row) for row in [*homeless, *(row for row in bad if row not in homeless)]), sep="\n")
    print(f"\n{words['killed']} of {len(rows)} killers killed their mutant, in {seconds:.0f} s.")
    if homeless:
        print("Name the databases that are missing: --postgres URL --mariadb URL (or DATABASE_URL).")
    return 1 if bad else 0


def _line(row: Row) -> str:
    where = str(row.database or "")
    return (
        f"{row.mutant.name:26} {row.word:10} {row.seconds:5.1f} s  {where:10} {row.killer.test.removeprefix('tests/')}"
    )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--postgres", metavar="URL", help="also run what needs PostgreSQL, there")
    parser.add_argument("--mariadb", metavar="URL", help="also run what needs MariaDB or MySQL, there")
    parser.add_argument("--redis", metavar="URL", help="a Redis (REDIS_URL, or an embedded one)")
    parser.add_argument("--everywhere", action="store_true", help="run each killer on every database that it fits")
    parser.add_argument("--strict", action="store_true", help="a killer that no database fits is a failure")
    parser.add_argument("--jobs", type=int, default=3, metavar="N", help="how many at a time (3)")
    parser.add_argument("--write", action="store_true", help="only write docs/mutants.md, from the table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
