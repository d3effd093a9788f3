"""Small pictures of how much there was in each of many equal spans, as SVG; words beside them say it, too."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

_HEIGHT = 20


def spark(values: Sequence[float]) -> SafeString:
    """Return one bar for each value, the highest as high as the picture; None is shown as nothing."""
    most = max(values, default=0) or 1
    steps = []
    for place, value in enumerate(values):
        high = value / most * _HEIGHT
        if value > 0:
            # The lowest is to be seen, too.
            steps.append(f"M{place} {_HEIGHT}v-{max(high, 1):.1f}h.8V{_HEIGHT}z")
    return format_html(
        '<svg class="jq-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>',
        len(values),
        _HEIGHT,
        "".join(steps),
    )
