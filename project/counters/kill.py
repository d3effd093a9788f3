"""kill -9, from a button: only what a worker's row names, on this host, and what the system says is that worker's."""

from __future__ import annotations

import os
import signal
import socket
from uuid import UUID

from django.tasks import TaskResultStatus

from jobqueue.models import Job, Worker

from .processes import command_line, is_child_of


class Refused(Exception):
    """The process is not one that this page may kill."""


def kill_worker(job_id: UUID) -> str:
    """Kill the worker that runs a job, and so its executors; return what was killed. Raises Refused."""
    worker = _worker(job_id)
    _kill(worker.pid)
    return f"{worker.name} (process {worker.pid})"


def kill_executor(job_id: UUID) -> str:
    """Kill the one process that runs a job; return what was killed. Raises Refused."""
    worker = _worker(job_id)
    pids = [int(entry["pid"]) for entry in worker.executors if entry.get("job") == str(job_id)]
    if not pids:
        raise Refused(f"{worker.name} has not said yet which of its processes runs this job. Try again in a moment.")
    if not is_child_of(pids[0], worker.pid):
        raise Refused(f"Process {pids[0]} is no child of {worker.name} any more.")
    _kill(pids[0])
    return f"a process of {worker.name} ({pids[0]})"


def _worker(job_id: UUID) -> Worker:
    """Return the worker that runs the job, if it really is one, here and now."""
    job = Job.objects.filter(pk=job_id, status=TaskResultStatus.RUNNING).first()
    if job is None:
        raise Refused("This job is not running any more.")
    worker = Worker.objects.filter(pk=job.worker_id, stopped_at=None).first()
    if worker is None:
        raise Refused("No living worker is known to run this job.")
    if worker.hostname != socket.gethostname():
        raise Refused(f"{worker.name} runs on {worker.hostname}, and this page kills only on its own host.")
    # A pid is given away anew when its process is gone.
    if "runworkers" not in command_line(worker.pid).split():
        raise Refused(f"Process {worker.pid} is no worker: {worker.name} is gone already.")
    return worker


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        raise Refused(f"Process {pid} is gone already.") from None
    except PermissionError:
        raise Refused(f"Process {pid} belongs to another user.") from None
