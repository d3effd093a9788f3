"""The figures of a run, as they come in and as they are kept: var/bench/<date>.json, and latest.json."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..environment import VAR


@dataclass
class Results:
    """All that was measured: about the run, and figures by scenario, queue and round."""

    about: dict[str, Any]
    rounds: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, scenario: str, queue: str, figures: Mapping[str, Any]) -> None:
        """Keep what a round found; nothing, when a queue cannot do it."""
        if figures:
            self.rounds.setdefault(scenario, {}).setdefault(queue, []).append(dict(figures))

    def queues(self, scenario: str) -> list[str]:
        """Return the queues that were measured in a scenario."""
        return list(self.rounds.get(scenario, {}))

    def median(self, scenario: str, queue: str = "jobqueue") -> dict[str, Any]:
        """Return the median of each figure over the rounds; latencies of all rounds are put together first."""
        merged: dict[str, list[Any]] = defaultdict(list)
        for figures in self.rounds.get(scenario, {}).get(queue, []):
            for name, value in figures.items():
                merged[name].append(value)
        return {name: _middle(name, values) for name, values in merged.items()}

    def spread(self, scenario: str, queue: str, name: str) -> tuple[float, float]:
        """Return the least and the most that a figure was."""
        values = [figures[name] for figures in self.rounds[scenario][queue]]
        return min(values), max(values)

    def save(self) -> Path:
        """Write everything down and return the file."""
        VAR.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"about": self.about, "missing": self.missing, "rounds": self.rounds}, indent=1)
        path = VAR / f"{self.about['began'].replace(':', '').replace(' ', '-')}.json"
        for file in (path, VAR / "latest.json"):
            file.write_text(text + "\n")
        return path


def load(path: Path) -> Results:
    """Return the results of a file."""
    kept = json.loads(path.read_text())
    return Results(kept["about"], kept["rounds"], kept["missing"])


def percentile(samples: list[float], share: float) -> float:
    """Return the sample below which that share of them lies."""
    return sorted(samples)[min(len(samples) - 1, int(share * len(samples)))]


def _middle(name: str, values: list[Any]) -> Any:
    if name == "samples_ms":
        return [sample for samples in values for sample in samples]
    if isinstance(values[0], list):
        return values[-1]
    return statistics.median(values)
