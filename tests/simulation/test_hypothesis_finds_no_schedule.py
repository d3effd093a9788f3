"""Hypothesis looks for a schedule that breaks a promise, and would make the one that it finds as small as it can be."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.plan import (
    ANYWHERE,
    AT_EXECUTOR,
    AT_LATER,
    CLASSES,
    DURATIONS,
    KINDS,
    LATER_KINDS,
    LATER_PEOPLE,
    REDIS_CALLS,
    STATEMENTS,
    Fault,
    Job,
    Plan,
)
from tests.simulation.stage import Stage

_WHERE = {
    "commit": st.just("COMMIT"),
    "statement": st.sampled_from(STATEMENTS),
    "redis-lost": st.sampled_from(REDIS_CALLS),
    "redis-fails": st.sampled_from(REDIS_CALLS),
}


@st.composite
def _faults(draw: st.DrawFn) -> Fault:
    what = draw(st.sampled_from((*CLASSES, LATER_PEOPLE)).flatmap(st.sampled_from))
    later = st.sampled_from(tuple(AT_LATER.values())).flatmap(st.sampled_from)
    anywhere = st.sampled_from(AT_EXECUTOR) | st.sampled_from(ANYWHERE) | later
    where = _WHERE.get(what, _WHERE.get(what.partition("-")[0], anywhere | st.sampled_from((0.5, 1.0, 2.0, 3.0))))
    amounts = (1.0, -1.0, 5.0, -5.0, 100.0) if what.endswith("-clock") else DURATIONS
    return Fault(what, draw(where), draw(st.integers(1, 8)), draw(st.sampled_from(amounts)))


_JOBS = st.builds(
    Job,
    st.sampled_from((*KINDS, *LATER_KINDS)),
    st.sampled_from((0.0, 0.5, 1.0)),
    st.sampled_from((None, "key")),
    st.booleans(),
    after=st.sampled_from(((), (0,), (0, 1))),
    on_failure=st.sampled_from(("cancel", "fail", "run")),
)
_PLANS = st.builds(
    Plan,
    jobs=st.lists(_JOBS, min_size=1, max_size=3).map(tuple),
    faults=st.lists(_faults(), max_size=4).map(tuple),
    seed=st.integers(0, 1000),
    restlessness=st.sampled_from((0.0, 0.05, 0.3, 1.0)),
    redis=st.booleans(),
    listens=st.booleans(),
    concurrency=st.integers(1, 2),
    deferred=st.booleans(),
    ticks=st.booleans(),
)


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(plan=_PLANS)
def test_that_breaks_a_promise(theatre: Stage, plan: Plan) -> None:
    simulation, error = theatre.attempt(plan)
    if error is not None:
        print(simulation.world.story())
        raise error
