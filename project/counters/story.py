"""The story of the newest long job in six steps: frozen, rescued, refused, and the counter right all the same.

Nothing here remembers what was pressed. A step is done when the rows of this moment say that it has happened.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.tasks import TaskResultStatus

from jobqueue.models import Attempt, Outcome

from .faults import FREEZE_SECONDS
from .figures import Figures
from .live import Live, LiveJob, LiveWorker, worker_name
from .processes import is_stopped
from .tasks import STEPS, count_slowly

# A heartbeat comes three times in a lease. One this late, as a part of the lease, has been missed twice.
_SILENT = 0.7
_FINISHED = (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)


class Step(NamedTuple):
    """A step of the story. `offers` is what stands beside it: "start" or "freeze" to press, the "lease", or "".

    `state` is "done", "now", "later", "wrong", or "passed" when it cannot happen any more.
    """

    title: str
    text: str
    state: str = "later"
    offers: str = ""


class Story(NamedTuple):
    """The steps, the job that they tell of, and in a sentence how far it has come."""

    steps: Sequence[Step]
    said: str
    job: LiveJob | None
    is_over: bool


def story_of(live: Live, figures: Figures) -> Story:
    """Return the story as it stands."""
    long_jobs = (job for job in live.jobs if job.row.task_path == count_slowly.module_path)
    job = max(long_jobs, key=lambda job: job.row.pk, default=None)
    facts = _Facts(job=job, workers={worker.row.pk: worker for worker in live.workers}, figures=figures)
    steps = [tell(facts) for tell in (_start, _freeze, _lapse, _takeover, _refusal)]
    steps.append(_counter(facts, all(step.state in ("done", "passed") for step in steps)))
    current = next((number for number, step in enumerate(steps) if step.state == "later"), None)
    if current is None:
        return Story(steps, f"{steps[-1].title}: {steps[-1].text}", job, is_over=True)
    steps[current] = steps[current]._replace(state="now")
    return Story(steps, f"Step {current + 1} of {len(steps)}: {steps[current].title}.", job, is_over=False)


@dataclass(frozen=True, kw_only=True)
class _Facts:
    job: LiveJob | None
    workers: dict[str, LiveWorker]
    figures: Figures

    @property
    def lost(self) -> Attempt | None:
        """The first attempt whose worker gave no sign of life for longer than its lease."""
        attempts = self.job.attempts if self.job else []
        return next((attempt for attempt in attempts if attempt.outcome == Outcome.LOST), None)

    @property
    def loser(self) -> str:
        """The name of the worker of that attempt."""
        return worker_name(self.lost.worker_id) if self.lost else ""

    @property
    def is_finished(self) -> bool:
        return self.job is not None and self.job.row.status in _FINISHED

    @property
    def is_frozen(self) -> bool:
        """Whether the worker that has the job now is stopped, or as silent as one that is."""
        owner = self.job.owner if self.job else None
        if owner is None:
            return False
        is_here = owner.row.hostname == socket.gethostname()
        return owner.age > _SILENT * owner.row.lease_seconds or (is_here and is_stopped(owner.row.pid))

    @property
    def refused(self) -> Attempt | None:
        """The attempt to which the database has refused a write."""
        return next((attempt for attempt in self.job.attempts if attempt.refused_writes), None) if self.job else None


def _start(facts: _Facts) -> Step:
    title = "Start the long job"
    if facts.job is None:
        text = f"It adds 1 to the counter {STEPS} times, a second apart: it takes four times as long as its lease."
        return Step(title, text, offers="start")
    if not facts.job.row.attempt:
        return Step(title, "It waits for a worker.")
    first = facts.job.attempts[0].worker_id if facts.job.attempts else facts.job.row.worker_id
    return Step(title, f"{worker_name(first)} took it, with a lease that it renews while it works.", "done")


def _freeze(facts: _Facts) -> Step:
    title = "Freeze its worker"
    if facts.lost:
        return Step(title, f"{facts.loser} fell silent in the middle of its work.", "done")
    if facts.is_frozen:
        return Step(title, "It stands still in the middle of its work, for all others as if it were dead.", "done")
    if facts.is_finished:
        text = "The job ended before that. Its lease was renewed all the while, so nobody else began it."
        return Step(title, text, offers="start")
    text = f"Stops the worker and its processes for {FREEZE_SECONDS} s, as a sleeping laptop or a moved machine does."
    is_running = facts.job is not None and facts.job.is_running
    return Step(title, text, offers="freeze" if is_running else "")


def _lapse(facts: _Facts) -> Step:
    title = "Its lease runs out"
    if facts.lost:
        return Step(title, "Nobody renewed it, and the heartbeat stopped: both signs of life were gone.", "done")
    if not facts.is_frozen or facts.job is None:
        return Step(title, "Nobody renews it any more.")
    if facts.job.left > 0:
        return Step(title, "Nobody renews it.", offers="lease")
    return Step(title, "Lease and heartbeat are over.", "done")


def _takeover(facts: _Facts) -> Step:
    title = "Another worker takes the job"
    lost, job = facts.lost, facts.job
    if lost is None or job is None or job.row.attempt <= lost.number:
        return Step(title, "It begins a second attempt, after the last step that was committed.")
    claims = [(each.worker_id, each.number) for each in job.attempts if each.number > lost.number]
    doer, number = claims[0] if claims else (job.row.worker_id, job.row.attempt)
    text = f"{worker_name(doer)} began attempt {number}, after the last step that was committed."
    return Step(title, text, "done")


def _refusal(facts: _Facts) -> Step:
    title = "The frozen one wakes up, and is refused"
    lost, refused = facts.lost, facts.refused
    if refused:
        text = (
            f"{worker_name(refused.worker_id)} went on and added 1. The database took that back: attempt "
            f"{refused.number} does not own the job any more."
        )
        return Step(title, text, "done")
    if lost is None:
        return Step(title, "It goes on writing, and does not know that the job is another's.")
    worker = facts.workers.get(lost.worker_id)
    if worker is None:
        return Step(title, f"{facts.loser} is dead, and writes nothing any more.", "passed")
    if worker.is_alive:
        text = f"{facts.loser} woke up and saw that the job is another's before it wrote: nothing was to be refused."
        return Step(title, text, "passed")
    return Step(title, f"{facts.loser} still stands still, and believes that the job is its own.")


def _counter(facts: _Facts, all_done: bool) -> Step:
    found, expected = facts.figures.found, facts.figures.expected
    if not facts.figures.is_right:
        return Step("The counter is wrong", f"It shows {found}, and {expected} was to be expected.", "wrong")
    title = "The counter is right"
    if not (all_done and facts.is_finished):
        return Step(title, "In the end it shows what the finished steps add up to, and not one more.")
    return Step(title, f"It shows {found}, and the finished steps add up to {expected}.", "done")
