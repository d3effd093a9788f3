"""All that jobs can do, by kind: the tasks, and what each leaves when it succeeds."""

from __future__ import annotations

from jobqueue.task import JobTask
from tests.simulation import later_tasks, tasks

LEAVES: dict[str, list[str] | None] = {**tasks.LEAVES, **later_tasks.LATER_LEAVES}
TASKS: dict[str, JobTask] = {**tasks.TASKS, **later_tasks.LATER_TASKS}
# What these write is committed step by step, also when they do not come to their end.
IN_STEPS = frozenset(("steps", "resumes", "freely", "delivers", "asks"))
