"""What jobqueue is meant to reach, and what it did reach in a run; comparisons are within the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .results import Results, percentile
from .table import number


class Row(NamedTuple):
    """One aim. `met` is None when the run did not measure it."""

    what: str
    target: str
    measured: str
    met: bool | None


def rows(results: Results) -> list[Row]:
    """Return every aim with what became of it."""
    return [*_rates(results), *_latencies(results), *_costs(results), *_rest(results)]


def _rates(results: Results) -> Iterator[Row]:
    noop, bump = _rate(results, "noop"), _rate(results, "bump")
    yield _least("no-op jobs a second", noop, 10_000)
    yield _ratio("no-op jobs, against huey", results, "noop", ["huey"], 2)
    yield _ratio("no-op jobs, against django-tasks-db", results, "noop", ["django-tasks-db"], 20)
    yield _least("UPDATE jobs a second, counter exact", bump, 2_500)
    yield _ratio("UPDATE jobs, against dramatiq", results, "bump", ["dramatiq"], 1.1)
    yield _ratio("enqueue(), against the better of the other two", results, "enqueue", _SQL, 1.2)
    yield _least("enqueue_many(), jobs a second", _rate(results, "bulk"), 50_000)


_SQL = ["django-tasks-db", "procrastinate"]


def _latencies(results: Results) -> Iterator[Row]:
    for scenario, words in (("latency-idle", "idle"), ("latency-50", "at 50 jobs a second")):
        samples = results.median(scenario).get("samples_ms", [])
        for share, name, target in ((0.5, "p50", 2.5), (0.99, "p99", 8)):
            value = percentile(samples, share) if samples else None
            yield _most(f"latency {words}, {name}, ms", value, target)


def _costs(results: Results) -> Iterator[Row]:
    noop = results.median("noop")
    yield _most("processor time a no-op job, worker, ms", noop.get("workers_cpu_ms"), 0.15)
    yield _most("processor time a no-op job, PostgreSQL, ms", noop.get("postgres_cpu_ms"), 0.10)
    memory = results.median("memory")
    yield _most("memory of a worker with 2 executors, MB", memory.get("mb_max"), 110)
    yield _most("growth of that over 100,000 jobs, MB", memory.get("mb_growth"), 2)
    yield _most("renewing 1,000 leases, ms", results.median("renewal").get("leases_ms"), 50)
    yield _most(
        "slowest page of the admin with 1,000,000 jobs, ms", max(results.median("pages").values(), default=None), 300
    )


def _rest(results: Results) -> Iterator[Row]:
    growth = results.median("growth")
    least = growth.get("0+20000")
    share = growth["1000000+200000"] / least if least else None
    yield _least("rate with 1,000,000 finished and 200,000 ready rows, of that with an empty table", share, 0.9)
    scaling = results.median("scaling")
    share = scaling["8"] / scaling["1"] if scaling else None
    yield _least("rate of 8 workers on 2 cores, of that of one; no error, no deadlock", share, 1)
    share = results.median("poison").get("share")
    yield _least("rate of 500 jobs beside one that kills its process each time, of that without it", share, 0.9)
    yield _least("no-op jobs a second on SQLite, without Redis", results.median("sqlite").get("noop"), 1_500)
    yield _least("no-op jobs a second on MariaDB", results.median("mariadb").get("noop"), 3_000)


def _rate(results: Results, scenario: str, queue: str = "jobqueue") -> float | None:
    return results.median(scenario, queue).get("per_second")


def _ratio(what: str, results: Results, scenario: str, others: list[str], target: float) -> Row:
    ours = _rate(results, scenario)
    theirs = max((rate for other in others if (rate := _rate(results, scenario, other))), default=None)
    return _least(what, ours / theirs if ours and theirs else None, target, times="×")


def _least(what: str, value: float | None, target: float, times: str = "") -> Row:
    shown = "–" if value is None else number(value) + times
    return Row(what, f"≥ {target:,g}{times}", shown, None if value is None else value >= target)


def _most(what: str, value: float | None, target: float) -> Row:
    shown = "–" if value is None else number(value)
    return Row(what, f"≤ {target:,g}", shown, None if value is None else value <= target)
