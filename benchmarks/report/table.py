"""Figures as text: one line while a run goes on, a table of medians at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .results import Results, percentile

DRAINS = {"noop": "drain no-op/s", "bump": "drain UPDATE/s", "enqueue": "enqueue/s", "bulk": "bulk/s"}
LATENCIES = {"latency-idle": "idle p50 / p99 ms", "latency-50": "at 50/s p50 / p99 ms"}


def line(figures: Mapping[str, Any]) -> str:
    """Return the figures of one measurement on a line."""
    return "  ".join(_one(name, value) for name, value in figures.items()) or "–"


def _one(name: str, value: Any) -> str:
    if name == "samples_ms":
        return f"p50 {percentile(value, 0.5):.2f} ms  p99 {percentile(value, 0.99):.2f} ms"
    if isinstance(value, list):
        return f"{name} {' '.join(f'{each:.1f}' for each in value)}"
    return f"{name} {number(value)}"


def number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def compared(results: Results) -> list[str]:
    """Return the queues that were compared, the fastest first."""
    queues = dict.fromkeys(queue for name in (*DRAINS, *LATENCIES) for queue in results.queues(name))
    return sorted(queues, key=lambda queue: -results.median("noop", queue).get("per_second", 0))


def comparison(results: Results) -> list[list[str]]:
    """Return the head and the rows of the table that compares queues."""
    rows = [["queue", *DRAINS.values(), *LATENCIES.values()]]
    for queue in compared(results):
        rates = [results.median(name, queue).get("per_second") for name in DRAINS]
        waits = [results.median(name, queue).get("samples_ms") for name in LATENCIES]
        rows.append([queue, *("–" if r is None else number(r) for r in rates), *map(_percentiles, waits)])
    return rows


def _percentiles(samples: list[float] | None) -> str:
    return f"{percentile(samples, 0.5):.1f} / {percentile(samples, 0.99):.1f}" if samples else "–"


def own(results: Results) -> list[list[str]]:
    """Return the rows of the table about jobqueue alone: the scenario, and all that is not in the comparison."""
    compared_elsewhere = {"samples_ms", "per_second", "jobs"}
    rows = []
    for name in results.rounds:
        shown = {k: v for k, v in results.median(name).items() if k not in compared_elsewhere}
        if shown:
            rows.append([name, line(shown)])
    return rows


def text(results: Results) -> str:
    """Return both tables, for a terminal."""
    alone = "\n".join(f"{name:14}{words}" for name, words in own(results))
    return f"{_aligned(comparison(results))}\n\n{alone}".rstrip()


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
