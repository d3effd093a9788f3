"""What must have happened sometime, or the faults have proved nothing: each defence was needed, and did its work.

Most are told by a line of a worker's log, the others by what the outside observer, enqueuers and bodies have seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from .facts import FAILED, SUCCESSFUL, Facts, Seen
from .kinds import LIMITS, before, kind_of
from .overlap import Run, side_by_side, woken

# A defence, and what a worker logs when it was needed.
LOGGED = {
    "a stale write was refused": "he database refused",
    "an unknown COMMIT had landed": "The COMMIT of unknown outcome had landed",
    "an unknown COMMIT had not landed": "The COMMIT of unknown outcome had not landed",
    "a frozen executor was killed": "has been stopped for longer than a lease",
    "a dead worker's job was rescued": "was rescued from worker",
    "a dead executor's job was taken back": ") crashed: ",
    "a body was told to stop": "is told to stop",
    "a body was told that its job is another's": "is no longer ours: telling its body",
    "a claim nobody heard of was handed back": "its claim was never heard of",
    "a Redis that forgot condemned nobody": "remembers too little to say who is dead",
    "Redis was gone and came back": "answers again",
    "the database was gone": "The database does not answer",
    "a worker signed off": "0 jobs are left to be rescued",
}
# For SQLite has no server that could be gone, and no proxy in front of it.
ONLY_WITH_A_SERVER = frozenset(
    {
        "an unknown COMMIT had landed",
        "an unknown COMMIT had not landed",
        "the database was gone",
        "a claim nobody heard of was handed back",
        "an enqueue had an unknown outcome",
    }
)
# Which fault makes a defence needed that has not been yet. What is not here comes with the load.
CALLS_FOR = {
    "a stale write was refused": "frozen in a long job",
    "an unknown COMMIT had landed": "COMMIT cut behind",
    "an unknown COMMIT had not landed": "COMMIT cut before it arrives",
    "a frozen executor was killed": "executor frozen",
    "a dead worker's job was rescued": "worker and children killed",
    "a dead executor's job was taken back": "all executors killed",
    "a claim nobody heard of was handed back": "COMMIT cut behind",
    "a Redis that forgot condemned nobody": "Redis flushed",
    "Redis was gone and came back": "Redis paused",
    "the database was gone": "database restarted",
    "a worker signed off": "worker told to stop",
    "a job was handed back": "worker told to stop",
    "a step was not done again": "all executors killed",
    "a frozen body woke up": "frozen in a long job",
    "an enqueue had an unknown outcome": "COMMIT cut before it arrives",
    "a forgotten lease was made anew": "Redis flushed",
    "a lease of an earlier attempt was taken over": "leases of ghosts",
    "a slot was freed by a rescue": "executors killed in a slot",
    "a job that waited was opened by one that was rescued": "executors killed while others wait",
    "a delivery was in doubt": "executors killed at a delivery",
    "a delivery in doubt was decided": "executors killed at a delivery",
    "a lookup told that it was delivered": "executors killed at a delivery",
    "a lookup told that it was not": "executors killed at a delivery",
    "a checkpoint was resumed": "worker told to stop at work",
    "a body gave up its turn": "worker told to stop at work",
    "a tick was another worker's than the last": "worker told to stop",
}
_TICK = "jobqueue.worker: Schedule soak ticked: "
SEEN = (
    "a poison job was failed",
    "a job was handed back",
    "a job that was late was stopped",
    "a write outside of a step was refused",
    "a job that must fail did, and left nothing",
    "a step was not done again",
    "a frozen body woke up",
    "a key was enqueued again and answered",
    "a key was answered after its job was pruned",
    "an enqueue was taken back",
    "an enqueue had an unknown outcome",
    "a forgotten lease was made anew",
    "a lease of an earlier attempt was taken over",
    "a running job was cancelled",
    "a failed job was retried",
    "a job waited for a slot",
    "a slot was freed by a rescue",
    "a job that waited was opened by one that was rescued",
    "a job ended with the one that it waited for",
    "a tick was another worker's than the last",
    "a delivery was in doubt",
    "a delivery in doubt was decided",
    "a lookup told that it was delivered",
    "a lookup told that it was not",
    "a checkpoint was resumed",
    "a body gave up its turn",
    "a call was answered with the active job",
    "jobs ran side by side in one process",
)
ALL = (*LOGGED, *SEEN)


def wanted(vendor: str) -> list[str]:
    """Return what must happen on a database."""
    return [name for name in ALL if vendor != "sqlite" or name not in ONLY_WITH_A_SERVER]


def logged(logs: Iterable[Path]) -> Counter[str]:
    """Count what workers have logged."""
    found: Counter[str] = Counter()
    for log in logs:
        for line in log.read_text(errors="replace").splitlines():
            for name, phrase in LOGGED.items():
                if phrase in line:
                    found[name] += 1
    return found


def ticked(logs: Iterable[Path]) -> int:
    """Return how often a worker made the job of a tick that had not made the one before."""
    made = sorted(
        (line, log.name) for log in logs for line in log.read_text(errors="replace").splitlines() if _TICK in line
    )
    return sum(one != other for (_, one), (_, other) in pairwise(made))


def seen(facts: Facts, runs: Sequence[Run], gone: dict[str, float], lease: float) -> Counter[str]:
    """Count what was seen from outside. `gone` are the jobs that were pruned, and when that was seen."""
    ends = Counter(_end(job) for job in facts.jobs.values())
    words = Counter(line.what for line in facts.lines)
    answers = [line for line in facts.lines if line.what == "known" and kind_of(line.number) == "keyed"]
    found = {name: sum(ends[end] for end in some) for name, some in _ENDS.items()}
    return Counter(
        found
        | {name: words[word] for name, word in _SAID.items()}
        | {
            "a key was enqueued again and answered": len(answers) - len({line.number for line in answers}),
            "a key was answered after its job was pruned": sum(
                line.at > gone.get(line.job, line.at) for line in answers
            ),
            "a frozen body woke up": woken(runs, lease),
        }
        | _of_features(facts, runs)
    )


def _of_features(facts: Facts, runs: Sequence[Run]) -> dict[str, int]:
    rescued = {job.number for job in facts.jobs.values() if job.crashes and job.status == SUCCESSFUL}
    words = Counter((line.what, line.note) for line in facts.lines)
    resumed = [line for line in facts.lines if line.what == "resumed" and line.note != "0"]
    return {
        "a slot was freed by a rescue": sum(
            claim.outcome in ("crashed", "lost") and kind_of(claim.number) in LIMITS for claim in facts.claims
        ),
        "a job that waited was opened by one that was rescued": sum(
            job.status == SUCCESSFUL and not rescued.isdisjoint(before(job.number)) for job in facts.jobs.values()
        ),
        "a lookup told that it was delivered": words["asked", "there"],
        "a lookup told that it was not": words["asked", "nothing"],
        "a checkpoint was resumed": len(resumed),
        "a body gave up its turn": words["over", "HandBack"],
        "jobs ran side by side in one process": side_by_side(runs),
    }


def _end(job: Seen) -> tuple[str, str]:
    return kind_of(job.number), job.outcome if job.status == FAILED else ""


_ENDS = {
    "a poison job was failed": [("poison", "crashed"), ("poison", "lost")],
    "a job that was late was stopped": [("late", "timed_out")],
    "a write outside of a step was refused": [("outlaw", "raised")],
    "a job that must fail did, and left nothing": [("hopeless", "raised")],
    "a job ended with the one that it waited for": [("doomed", "dependency")],
}
_SAID = {
    "a step was not done again": "replay",
    "an enqueue was taken back": "undone",
    "a call was answered with the active job": "joined",
    "an enqueue had an unknown outcome": "unknown",
}
