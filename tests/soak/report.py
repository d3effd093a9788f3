"""What a soak has found, for people: on the terminal, and between two marks of docs/reliability.md."""

from __future__ import annotations

import datetime
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .problems import VENDORS, Found, inexcusable, of, problems, sometimes
from .sometimes import wanted

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: written by make soak ARGS=--publish -->", "<!-- end of figures -->"
WRONG = ("lost", "duplicated", "reordered", "false reports", "beyond limits")


def text(found: Found) -> str:
    """Return what is printed at the end."""
    wrong = problems(found)
    known = [line for chapter in found["chapters"] for line in chapter.get("evidence", ())]
    kept = [chapter["kept"] for chapter in found["chapters"] if chapter.get("kept")]
    return "\n\n".join(
        [
            _plain(summary(found)),
            _plain([["sometimes", *found["databases"]], *_sometimes(found)]),
            *(["\n".join(wrong)] if wrong else []),
            *(["\n".join(["What is known of what did not end:", *known])] if known else []),
            *([f"Logs and records are kept in {', '.join(kept)}."] if kept else []),
            f"Seed {found['seed']}, {found['took']:.0f} s: "
            + (f"{len(wrong)} problems." if wrong else "nothing is wrong."),
        ]
    )


def publish(found: Found) -> None:
    """Write the figures into the document; raises ValueError when it has no marks to write between."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{DOCUMENT} has no marks to write between.")
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{figures(found)}\n\n{END}{after}")
    print(f"Written: {DOCUMENT.relative_to(ROOT)}")


def figures(found: Found) -> str:
    """Return what is published of a soak."""
    kinds = sum((Counter(chapter.get("faults", {})) for chapter in found["chapters"]), Counter())
    began = datetime.datetime.fromtimestamp(found["began"], datetime.UTC)
    when = f"{began:%Y-%m-%d %H:%M} UTC, commit {_commit()}, for {found['took'] / 60:.0f} minutes"
    return "\n\n".join(
        [
            f"Soaked {when}. To repeat it: `{command(found)}`",
            _markdown(summary(found)),
            "### Faults",
            f"{sum(kinds.values()):,} faults of {len(kinds)} kinds.",
            _markdown([["fault", *found["databases"]], *_faults(found, kinds)]),
            "### Sometimes",
            "How often each defence was needed. A defence that was never needed fails the run.",
            _markdown([["defence", *found["databases"]], *_sometimes(found)]),
        ]
    )


def command(found: Found) -> str:
    """Return what to type to have the same faults."""
    minutes, chapter = found["seconds"] / 60, found["chapter_seconds"]
    words = [f"--minutes {minutes:g}", f"--seed {found['seed']}", f"--databases {','.join(found['databases'])}"]
    return f'make soak ARGS="{" ".join(words)} --chapter {chapter:g}"'


def summary(found: Found) -> list[list[str]]:
    """Return the figures of each database and of all."""
    groups = [(database, of(found, database)) for database in found["databases"]]
    if len(groups) > 1:
        groups.append(("all", found["chapters"]))
    rows = [["", *(name for name, _ in groups)]]

    def row(name: str, figure: Any) -> None:
        rows.append([name, *(figure(chapters) for _, chapters in groups)])

    row("jobs", lambda cs: f"{sum(c.get('jobs', 0) for c in cs):,}")
    row("runs of bodies", lambda cs: f"{sum(c.get('runs', 0) for c in cs):,}")
    row("faults", lambda cs: f"{sum(sum(c.get('faults', {}).values()) for c in cs):,}")
    row("deeds of operators", lambda cs: f"{sum(sum(c.get('deeds', {}).values()) for c in cs):,}")
    for word in WRONG:
        row(word, lambda cs, word=word: str(sum(t.startswith(f"{word}: ") for c in cs for t in c["wrong"])))
    row("overlap, seconds", lambda cs: f"{sum(o['seconds'] for c in cs for o in inexcusable(c)):.1f}")
    row("… while two of three were broken", lambda cs: _excused(cs, thawed=False))
    row("… by bodies that woke up too late", lambda cs: _excused(cs, thawed=True))
    row("longest without owner, seconds", lambda cs: _longest(cs, "ownerless_seconds"))
    row("… in a storm", lambda cs: _longest(cs, "ownerless_in_storm"))
    return rows


def _longest(chapters: Iterable[Found], name: str) -> str:
    return f"{max([chapter.get(name, 0.0) for chapter in chapters]):.1f}"


def _excused(chapters: Iterable[Found], *, thawed: bool) -> str:
    every = [o for c in chapters for o in c.get("overlaps", ()) if o["thawed"] == thawed and o not in inexcusable(c)]
    return f"{sum(o['seconds'] for o in every):.1f} in {len(every)} jobs" if every else "0"


def _sometimes(found: Found) -> list[list[str]]:
    counts = {database: sometimes(found, database) for database in found["databases"]}
    names = dict.fromkeys(name for database in found["databases"] for name in wanted(VENDORS[database]))
    return [
        [name, *(f"{counts[d][name]:,}" if name in wanted(VENDORS[d]) else "–" for d in found["databases"])]
        for name in names
    ]


def _faults(found: Found, kinds: Counter[str]) -> list[list[str]]:
    counts = {d: sum((Counter(c.get("faults", {})) for c in of(found, d)), Counter()) for d in found["databases"]}
    return [[kind, *(str(counts[d][kind] or "–") for d in found["databases"])] for kind in sorted(kinds)]


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _plain(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    align = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, align, *body))
