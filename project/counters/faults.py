"""Faults at the press of a button: kill -9, and a freeze.

They befall only what a worker's row names, on this host, and what the system says is that worker's.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from uuid import UUID

from django.conf import settings
from django.tasks import TaskResultStatus

from jobqueue.models import Job, Worker

from .processes import command_line, is_child_of, is_group_leader

FREEZE_SECONDS = 12


class Refused(Exception):
    """The process is not one that this page may touch."""


def kill_worker(job_id: UUID) -> str:
    """Kill the worker that runs a job, and so its executors; return what was done. Raises Refused."""
    worker = _worker(job_id)
    _kill(worker.pid)
    return f"Killed {worker.name} (process {worker.pid}) with signal 9."


def kill_process(job_id: UUID) -> str:
    """Kill the one process that runs a job; return what was done. Raises Refused."""
    worker = _worker(job_id)
    pids = [int(entry["pid"]) for entry in worker.executors if entry.get("job") == str(job_id)]
    if not pids:
        raise Refused(f"{worker.name} has not said yet which of its processes runs this job. Try again in a moment.")
    if not is_child_of(pids[0], worker.pid):
        raise Refused(f"Process {pids[0]} is no child of {worker.name} any more.")
    _kill(pids[0])
    return f"Killed a process of {worker.name} ({pids[0]}) with signal 9."


def freeze_worker(job_id: UUID) -> str:
    """Stop the worker that runs a job with all its processes, for longer than its lease; return what was done.

    Raises Refused.
    """
    worker = _worker(job_id)
    # Its group holds its executors. A worker in somebody else's group would take the others with it.
    if not is_group_leader(worker.pid):
        raise Refused(f"{worker.name} shares its process group with others.")
    # By a process of its own, for who froze a worker has to thaw it whatever becomes of this one.
    pids = [pid for pid in pids_of(worker) if is_child_of(pid, worker.pid)]
    command = [sys.executable, "-m", "project.counters.freeze", *map(str, (worker.pid, FREEZE_SECONDS, *pids))]
    options = {"cwd": settings.BASE_DIR, "stdin": subprocess.DEVNULL, "start_new_session": True}
    threading.Thread(target=subprocess.run, args=[command], kwargs=options, daemon=True).start()
    return f"Froze {worker.name} for {FREEZE_SECONDS} s. It will wake up and believe that the job is still its own."


def pids_of(worker: Worker) -> list[int]:
    """Return the processes that a worker says run its jobs."""
    entries = worker.executors if isinstance(worker.executors, list) else []
    pids = [entry.get("pid") for entry in entries if isinstance(entry, dict)]
    return [pid for pid in pids if isinstance(pid, int)]


def _worker(job_id: UUID) -> Worker:
    """Return the worker that runs the job, if it really is one, here and now."""
    job = Job.objects.filter(pk=job_id, status=TaskResultStatus.RUNNING).first()
    if job is None:
        raise Refused("This job is not running any more.")
    worker = Worker.objects.filter(pk=job.worker_id, stopped_at=None).first()
    if worker is None:
        raise Refused("No living worker is known to run this job.")
    if worker.hostname != socket.gethostname():
        raise Refused(f"{worker.name} runs on {worker.hostname}, and this page reaches only its own host.")
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
