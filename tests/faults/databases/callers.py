"""Who enqueues jobs all the while, whatever befalls the server."""

from __future__ import annotations

import threading
from types import TracebackType
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, connections

from tests.app import database_fault_tasks, fault_tasks
from tests.faults.world import World
from tests.waiting import wait_until

TASKS = [fault_tasks.write, database_fault_tasks.step_twice, fault_tasks.value, database_fault_tasks.raise_first]


class Callers:
    """Threads that enqueue jobs one after the other, each under a key, and again with the same key after an error."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(name,)) for name in range(number)]
        self.errors: list[Exception] = []

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_errors(self, number: int, seconds: float) -> None:
        """Wait until they have met so many errors more."""
        before = len(self.errors)
        wait_until(lambda: len(self.errors) >= before + number, seconds)

    def _call(self, name: int) -> None:
        number = 0
        while not self._stop.wait(0.05):
            task = TASKS[number % len(TASKS)]
            try:
                made = task.using(backend=self._world.backend, idempotency_key=f"{name}-{number}").enqueue()
            except (DatabaseError, InterfaceError) as error:
                connection.close()
                self.errors.append(error)
            else:
                self._world.enqueued[UUID(made.id)] = task.module_path
                number += 1
        connections.close_all()
