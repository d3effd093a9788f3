"""What is measured: one scenario a file, each a function from a place to figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..house import House
from ..place import Place
from ..plan import Plan
from . import costs, drain, enqueue, growth, latency, memory, pages, partitions, poison, renewal, scaling

Figures = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One thing to measure.

    peers: whether the other queues are measured too.
    place: where jobqueue is measured, when that is not PostgreSQL with Redis.
    once: whether one round is enough.
    """

    measure: Callable[[Place, Plan], Figures]
    peers: bool = False
    place: Callable[[House], Place] | None = None
    once: bool = False


SCENARIOS = {
    "noop": Scenario(measure=drain.noop, peers=True),
    "bump": Scenario(measure=drain.bump, peers=True),
    "enqueue": Scenario(measure=enqueue.one_by_one, peers=True),
    "bulk": Scenario(measure=enqueue.bulk, peers=True),
    "latency-idle": Scenario(measure=latency.idle, peers=True),
    "latency-50": Scenario(measure=latency.busy, peers=True),
    "latency-half-busy": Scenario(measure=latency.half_busy, once=True),
    "growth": Scenario(measure=growth.growth, once=True),
    "partitions": Scenario(measure=partitions.partitions, once=True),
    "scaling": Scenario(measure=scaling.scaling, once=True),
    "memory": Scenario(measure=memory.memory, once=True),
    "renewal": Scenario(measure=renewal.renewal),
    "pages": Scenario(measure=pages.pages, once=True),
    "poison": Scenario(measure=poison.poison, once=True),
    "costs": Scenario(measure=costs.costs, once=True),
    "sqlite": Scenario(measure=drain.both, place=House.sqlite),
    "mariadb": Scenario(measure=drain.both, place=House.mariadb),
}
