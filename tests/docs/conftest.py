"""Runs the Python of a page as it stands there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from jobqueue import lifecycle
from jobqueue import task as task_module
from jobqueue.database import connection
from jobqueue.lifecycle import Claim
from jobqueue.worker.messages import How
from tests.docs.pages import examples
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Run, Stage


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give `page(name, **made_up)`: the names that the Python of a page declares, among those that are made up.

    With `only` it is one of its examples. The tasks that are declared are forgotten with the test.
    """
    monkeypatch.setattr(task_module, "_registry", dict(task_module._registry))

    def page(name: str, *, only: int | None = None, **made_up: Any) -> Any:
        module = ModuleType(f"page_{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update(made_up)
        for block in examples(name) if only is None else [examples(name)[only]]:
            exec(block, vars(module))
        return module

    return page


def to_its_end(stage: Stage, claim: Claim) -> Run:
    done = stage.run(claim)
    if done.how is How.VALUE:
        lifecycle.settle_free(connection(), [(done.claim.fence, done.value)])
    return done


@pytest.fixture
def run(stage: Stage) -> Callable[..., Run]:
    """Give `run(task, *args, **kwargs)`: enqueues a job and runs it to its end, as an executor and its parent do."""

    def run(task: Any, *args: Any, **kwargs: Any) -> Run:
        return to_its_end(stage, stage.claim(task, stage.enqueue(task, *args, **kwargs).id))

    return run
