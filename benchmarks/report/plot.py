"""Draws the comparison as SVG: bars for rates, and for latencies a line from p50 to p99. Plain markup, no library."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from .results import Results, percentile
from .table import LATENCIES, compared, number

WIDTH, LEFT, RIGHT, ROW = 900, 140, 800, 40
_COLOURS = {"noop": "#0c6b58", "bump": "#67b99a", "latency-idle": "#0c6b58", "latency-50": "#e0a458"}
_NAMES = {
    "noop": "no-op jobs a second",
    "bump": "UPDATE jobs a second",
    "latency-idle": "idle: p50 to p99",
    "latency-50": "at 50 jobs a second: p50 to p99",
}
_STYLE = "text{font:13px system-ui,sans-serif;fill:#222}.head{font-weight:600}.small{font-size:11px;fill:#555}"


def svg(results: Results) -> str:
    """Return the plot of all queues that were compared."""
    queues = compared(results)
    middle = 70 + ROW * len(queues)
    height = 2 * middle + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>Rates and latencies of {escape(', '.join(queues))}</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *_panel("Working off a backlog (longer is better)", ("noop", "bump"), 0),
        *_bars(results, queues, 60),
        *_panel("From enqueue() to body, ms (left is better)", ("latency-idle", "latency-50"), middle),
        *_ranges(results, queues, middle + 60),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(title: str, series: tuple[str, ...], top: float) -> Iterator[str]:
    yield f'<text class="head" x="20" y="{top + 28}">{title}</text>'
    for i, name in enumerate(series):
        x = 430 + 190 * i
        yield f'<rect x="{x}" y="{top + 18}" width="11" height="11" fill="{_COLOURS[name]}"/>'
        yield f'<text class="small" x="{x + 17}" y="{top + 28}">{_NAMES[name]}</text>'


def _bars(results: Results, queues: list[str], top: float) -> Iterator[str]:
    rates = {(q, s): results.median(s, q).get("per_second", 0.0) for q in queues for s in ("noop", "bump")}
    most = max(rates.values(), default=1) or 1
    for row, queue in enumerate(queues):
        y = top + ROW * row
        yield f'<text x="20" y="{y + 20}">{escape(queue)}</text>'
        for i, name in enumerate(("noop", "bump")):
            rate = rates[queue, name]
            length = max(1.0, (RIGHT - LEFT) * rate / most)
            yield f'<rect x="{LEFT}" y="{y + 15 * i}" width="{length:.1f}" height="13" fill="{_COLOURS[name]}"/>'
            yield f'<text class="small" x="{LEFT + length + 6:.1f}" y="{y + 15 * i + 11}">{number(rate)}</text>'


def _ranges(results: Results, queues: list[str], top: float) -> Iterator[str]:
    bottom = top + ROW * len(queues)
    for mark in (1, 10, 100, 1000):
        yield f'<line x1="{_x(mark):.1f}" x2="{_x(mark):.1f}" y1="{top - 8}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text class="small" x="{_x(mark):.1f}" y="{bottom + 16}" text-anchor="middle">{mark}</text>'
    for row, queue in enumerate(queues):
        y = top + ROW * row
        yield f'<text x="20" y="{y + 20}">{escape(queue)}</text>'
        for i, name in enumerate(LATENCIES):
            samples = results.median(name, queue).get("samples_ms")
            if samples:
                yield from _range(percentile(samples, 0.5), percentile(samples, 0.99), y + 8 + 15 * i, _COLOURS[name])


def _range(low: float, high: float, y: float, colour: str) -> Iterator[str]:
    yield f'<line x1="{_x(low):.1f}" x2="{_x(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="4"/>'
    yield f'<circle cx="{_x(low):.1f}" cy="{y}" r="5" fill="{colour}"/>'
    yield f'<text class="small" x="{_x(high) + 8:.1f}" y="{y + 4}">{number(low)} – {number(high)}</text>'


def _x(milliseconds: float) -> float:
    """Return where a latency stands: a logarithmic axis from half a millisecond to two seconds."""
    low, high = math.log10(0.5), math.log10(2000)
    return LEFT + (RIGHT - LEFT - 60) * (math.log10(max(0.5, milliseconds)) - low) / (high - low)
