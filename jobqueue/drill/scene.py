"""The stage of one fault: workers, the jobs they are at, and what the record tells about them."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import record
from .house import DrillFailed
from .models import Counter
from .plan import Plan
from .processes import Worker, has_ended
from .queues import Queue

# How long to wait for what should come at once; in seconds, for a machine that is busy with other things.
START_SECONDS = 20.0
ENDLESS = 600.0
EXPECTED = {"atomic": 1, "steps": 2}


class Interruption:
    """Set by a signal; whoever waits is interrupted by it, and what takes things down never is.

    A handler may interrupt anything, itself included: an Event has a lock, on which it would wait for ever.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Interrupt whoever waits, now or later."""
        self._is_set = True

    def is_set(self) -> bool:
        """Return whether a signal has come."""
        return self._is_set


interrupted = Interruption()
_numbers = itertools.count(1)


@dataclass(slots=True, eq=False)
class Case:
    """What is counted in a fault: one job, or several of a kind.

    `expected` is what the counter must be in the end, `runs` how many there must be where the fault does not say;
    `recovery` is in seconds, None where nothing has to recover; `ended` says that a run that woke up late has ended.
    """

    label: str
    counter: str
    expected: int
    runs: int | None = None
    recovery: float | None = None
    over: bool = False
    ended: bool = False

    @property
    def found(self) -> int:
        """What the counter is."""
        value: int = Counter.objects.get(pk=self.counter).value
        return value


class Scene:
    """Stages one fault. Leaving it ends the workers."""

    def __init__(self, name: str, queue: Queue, plan: Plan) -> None:
        self.lease = plan.lease_seconds
        self._directory = Path(plan.directory)
        self.cases: list[Case] = []
        self.queue = queue
        self._name = name
        self._workers: list[Worker] = []
        self._dead: set[int] = set()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def start_worker(self, *flags: str, concurrency: int = 3) -> Worker:
        """Start a worker for so many jobs at a time and wait until it is ready."""
        # There are two jobs: with room for three, who takes the place of a dead executor need not be started first.
        log = self._directory / f"worker-{next(_numbers)}.log"
        command = self.queue.command(concurrency, *flags)
        worker = Worker(command, log)
        self._workers.append(worker)
        self._await(lambda: self.queue.is_up(worker.pid) or worker.has_died(), START_SECONDS)
        if worker.has_died() or not self.queue.is_up(worker.pid):
            raise DrillFailed(f"A worker did not start (python {' '.join(command)}):\n{self.logs()}")
        return worker

    def enqueue(self, effects: str, *, seconds: float = 0.0, label: str = "", trouble: str = "") -> Case:
        """Enqueue a job that works for so many seconds, or until `enough()`, and may get into trouble."""
        case = self.count(label or effects, EXPECTED[effects])
        self.queue.add(case.counter, effects, seconds, trouble=trouble)
        return case

    def count(self, label: str, expected: int, *, runs: int | None = None) -> Case:
        """Have a counter for jobs that the fault enqueues itself."""
        case = Case(label, f"{self._name}-{len(self.cases)}", expected, runs)
        Counter.objects.create(name=case.counter)
        self.cases.append(case)
        return case

    def at_work(self, *flags: str, seconds: float = ENDLESS, concurrency: int = 3, trouble: str = "") -> Worker:
        """Start a worker and have it in the middle of a job of each kind."""
        worker = self.start_worker(*flags, concurrency=concurrency)
        for effects in EXPECTED:
            self.enqueue(effects, seconds=seconds, trouble=trouble)
        if not self._await(lambda: all(record.events("work", case.counter) for case in self.cases), START_SECONDS):
            raise DrillFailed(f"A worker did not begin its jobs within {START_SECONDS:g} s:\n{self.logs()}")
        return worker

    def pids(self) -> list[int]:
        """Return the processes that ran the jobs first."""
        return sorted({record.events("start", case.counter)[0].pid for case in self.cases})

    def signal(self, pids: Iterable[int], number: int) -> None:
        """Send processes that run jobs a signal."""
        for pid in pids:
            os.kill(pid, number)

    def give_up_on(self, pids: Iterable[int]) -> None:
        """Do not wait for runs in these processes to end: they died."""
        self._dead.update(pids)

    def enough(self) -> None:
        """Let the work of all jobs, now and later, be over at once."""
        for case in self.cases:
            record.say_enough(case.counter)

    def await_recovery(
        self, since: float, recovered: Callable[[Case], float | None], cases: Sequence[Case] | None = None
    ) -> None:
        """Wait until ``recovered(case)`` tells at what moment each job was safe again, and note how long it took."""
        cases = self.cases if cases is None else cases
        moments: dict[Case, float] = {}

        def all_recovered() -> bool:
            for case in cases:
                if case not in moments and (moment := recovered(case)) is not None:
                    moments[case] = moment
            return len(moments) == len(cases)

        self._await(all_recovered, self.queue.patience)
        for case in cases:
            case.recovery = moments[case] - since if case in moments else float("inf")

    def await_end(self) -> None:
        """Wait until every job, and every run of it, is over."""
        for case in self.cases:
            case.over = self._await(lambda: self.queue.is_over(case.counter, self._dead), self.queue.patience)  # noqa: B023

    def await_late_runs(self) -> None:
        """Wait until each run that was frozen has written, and been answered by the database, or has ended before."""
        self._await(lambda: all(self._is_through(case) for case in self.cases), 5.0)
        for case in self.cases:
            case.ended = has_ended(record.events("start", case.counter)[0].pid)

    def let_pass(self, seconds: float) -> None:
        """Let time pass."""
        self._await(lambda: False, seconds)

    def logs(self) -> str:
        """Return what the workers wrote, and what the jobs raised."""
        written = [worker.log.read_text(errors="replace").strip() for worker in self._workers]
        raised = [self.queue.error(case.counter).strip() for case in self.cases]
        return "\n".join(filter(None, written + raised))

    def _is_through(self, case: Case) -> bool:
        if self.queue.refused(case.counter) or has_ended(record.events("start", case.counter)[0].pid):
            return True
        first, *others = record.events("start", case.counter)
        return bool(others) and any(event.pid == first.pid for event in record.events("end", case.counter))

    def _await(self, predicate: Callable[[], bool], seconds: float) -> bool:
        """Return whether it comes true in time; raises KeyboardInterrupt when the drill is to end."""
        deadline = time.monotonic() + seconds
        while not (answer := predicate()) and time.monotonic() < deadline and not interrupted.is_set():
            time.sleep(0.05)
        # Also when it came true: a worker that is just being started dies of the same Ctrl-C.
        if interrupted.is_set():
            raise KeyboardInterrupt
        return answer
