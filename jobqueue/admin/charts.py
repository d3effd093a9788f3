"""Charts as SVG: one number for each of many equal spans, with its axis; a table says all that they show, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 720, 120
_TOP = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A row of numbers under a name; None is where there is none. `kind` is how it is drawn: a class of the style."""

    name: str
    values: Sequence[float | None]
    kind: str


def bars(lines: Sequence[Line], tell: Callable[[float], str]) -> SafeString:
    """Return rows of whole numbers as bars that stand on each other, with the highest mark of the axis told."""
    sums = [sum(value or 0 for value in values) for values in zip(*(line.values for line in lines), strict=True)]
    most = _round_up(max(sums, default=0))
    below = [0.0] * len(sums)
    paths = []
    for line in lines:
        steps = []
        for place, value in enumerate(line.values):
            if value:
                low, high = _y(below[place], most), _y(below[place] + value, most)
                steps.append(f"M{_x(place, len(sums))} {low}V{high}h{WIDTH / len(sums) * 0.8:.1f}V{low}z")
                below[place] += value
        paths.append((line.kind, "".join(steps)))
    return _svg(paths, tell(most))


def curves(lines: Sequence[Line], tell: Callable[[float], str]) -> SafeString:
    """Return rows of numbers as curves, which are broken where there is no number."""
    most = _round_up(max((value for line in lines for value in line.values if value is not None), default=0.0))
    paths = []
    for line in lines:
        steps, pen = [], "M"
        for place, value in enumerate(line.values):
            if value is None:
                pen = "M"
                continue
            steps.append(f"{pen}{_x(place, len(line.values))} {_y(value, most)}h{WIDTH / len(line.values):.1f}")
            pen = "L"
        paths.append((f"line jq-{line.kind}", "".join(steps)))
    return _svg(paths, tell(most))


def _svg(paths: Sequence[tuple[str, str]], mark: str) -> SafeString:
    drawn = format_html_join("", '<path class="jq-{}" d="{}"/>', paths)
    return format_html(
        '<div class="jq-chart"><small class="jq-mark">{}</small>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="jq-axis" d="M0 {}H{}M0 {}H{}"/>{}</svg></div>',
        *(mark, WIDTH, HEIGHT, _TOP, WIDTH, HEIGHT, WIDTH, drawn),
    )


def _x(place: int, number: int) -> str:
    return f"{place * WIDTH / number:.1f}"


def _y(value: float, most: float) -> str:
    return f"{HEIGHT - value / most * (HEIGHT - _TOP):.1f}"


def _round_up(value: float) -> float:
    """Return the next number that is 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power: Any = 10.0 ** floor(log10(value))
    return float(next(step for step in (1, 2, 5, 10) if step * power >= value * 0.999999) * power)
