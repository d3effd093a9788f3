"""A worker in one thread, made of the parts of a real one: it says the same to the database each time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from jobqueue.conf import Options
from jobqueue.lifecycle import Claim
from jobqueue.queues import Queues
from jobqueue.task import registered
from jobqueue.worker.claimer import Claimer
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.messages import How
from jobqueue.worker.reconciler import Reconciler
from jobqueue.worker.settler import Settler
from tests.effects.runs import Stage
from tests.worker.parts import DummyCrew, identity

BROKEN = (DatabaseError, InterfaceError)


class Clerk:
    """Enqueues, claims, runs and settles, and tries again what fails, as a worker and those who enqueue do.

    `told` is what the executor said last of each job.
    """

    def __init__(self, backend: str) -> None:
        options, paths = Options(redis=None), [task.module_path for task in registered()]
        self.told: dict[UUID, How] = {}
        self._stage = Stage(backend)
        self._holdings = Holdings()
        self._settler = Settler(self._holdings, None, "clerk")
        self._claimer = Claimer(
            identity(id="clerk", backend=backend),
            paths,
            Queues(("default",)),
            self._holdings,
            self._settler,
            None,
            options,
            hinted=lambda: False,
        )
        self._reconciler = Reconciler("clerk", self._holdings, DummyCrew(), self._settler, period=0.0, patience=1.0)

    def enqueue(self, task: Any, key: str) -> UUID:
        """Enqueue a job under a key until nothing goes wrong."""
        while True:
            try:
                return UUID(task.using(idempotency_key=key).enqueue().id)
            except BROKEN:
                connection.close()

    def turn(self) -> None:
        """Do what a worker does in one turn of its loop: settle, compare, claim, run."""
        try:
            self._settler.flush()
            self._reconciler.step()
            self._claimer.look_now()
            for claim in self._claimer.claim(1):
                self._run(claim)
            self._settler.flush()
        except BROKEN:
            connection.close()

    def _run(self, claim: Claim) -> None:
        ended = self._stage.run(claim)
        holding = self._holdings.get(claim.job_id)
        assert holding is not None
        self.told[claim.job_id] = ended.how
        if ended.how == How.VALUE:
            self._settler.value(holding, ended.value)
        else:
            self._settler.over(holding)
