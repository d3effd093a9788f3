"""Writes the figures into docs/performance.md, between two marks, and the plot beside it; the words around them stay.

``python -m benchmarks.report.publish FILE`` does so with results that were kept earlier.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..environment import ROOT
from . import plot, targets
from .results import Results, load
from .table import comparison, own

DOCUMENT = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "performance.svg"
BEGIN, END = "<!-- figures: written by make bench ARGS=--publish -->", "<!-- end of figures -->"


def write(results: Results) -> None:
    """Replace what stands between the marks; raises ValueError when the marks are not there."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{DOCUMENT} has no marks to write between.")
    PLOT.write_text(plot.svg(results))
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{_figures(results)}\n\n{END}{after}")
    print(f"Written: {DOCUMENT.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}")


def _figures(results: Results) -> str:
    marks = {True: "yes", False: "**no**", None: "not measured"}
    aims = [["aim", "target", "measured", "met"]]
    aims += [[row.what, row.target, row.measured, marks[row.met]] for row in targets.rows(results)]
    parts = [
        _about(results),
        "### Beside other queues",
        _markdown(comparison(results)),
        "![Rates and latencies of each queue](images/performance.svg)",
        "### Against what was aimed at",
        _markdown(aims),
        "### All else that was measured of jobqueue",
        # What each statement costs is for the simulation, which keeps it in a file of its own.
        _markdown([["scenario", "medians"], *(row for row in own(results) if row[0] != "costs")]),
    ]
    return "\n\n".join(parts)


def _about(results: Results) -> str:
    about = results.about
    settings = ", ".join(f"{name} {value}" for name, value in about["postgres_settings"].items())
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    run = f"{about['began']} UTC, commit {about['commit']}, `{about['command']}`"
    return "\n".join(
        [
            f"Measured {run}: medians of {about['rounds']} rounds; latencies of all rounds together.",
            "",
            f"- {about['processor']}, {about['memory_gb']} GB, {about['system']}",
            f"- {', '.join(about['servers'])}, Python {about['python']}",
            f"- PostgreSQL's defaults: {settings}",
            f"- {versions}",
        ]
    )


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    align = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, align, *body))


if __name__ == "__main__":
    write(load(Path(sys.argv[1])))
