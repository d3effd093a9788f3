"""Tasks whose bodies harm the process that runs them: in the first attempt alone, the next one does as it should."""

from __future__ import annotations

import ctypes
import gc
import locale
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress

from django.db import connection, connections
from django.db.models import F
from django.tasks import task

from jobqueue import current_job, once
from tests.app import pool_work
from tests.app.fault_tasks import UNTIL_LET_GO, leave, leaves, say, soon, wait_at_gate
from tests.app.models import Counter, Entry

MEGABYTE = 1024 * 1024


def _segfault() -> None:
    ctypes.string_at(8)


def _overflow_the_stack() -> None:
    # The machine's stack, not the interpreter's: no RecursionError stops this.
    call = ctypes.CFUNCTYPE(None)

    def deeper() -> None:
        call(deeper)()

    sys.setrecursionlimit(10**9)
    threading.stack_size(256 * 1024)
    thread = threading.Thread(target=deeper)
    thread.start()
    thread.join()


def _run_out_of_memory() -> None:
    """Be refused memory, as by a limit of the container that the allocator is told of."""
    with open("/proc/self/statm") as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 8 * MEGABYTE, resource.RLIM_INFINITY))
    kept = []
    while True:
        kept.append(bytearray(MEGABYTE))


def _be_killed_by_the_kernel() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _abort() -> None:
    os.abort()


def _leave_quietly() -> None:
    os._exit(0)


def _exit() -> None:
    sys.exit("bye")


def _kill_the_fork_server() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def _close_all_files() -> None:
    os.closerange(0, 1024)


def _close_all_files_and_take_their_numbers() -> None:
    os.closerange(3, 1024)
    with suppress(OSError):
        while True:
            os.open("/dev/zero", os.O_RDONLY)


DEADLY: dict[str, Callable[[], None]] = {
    "segfault": _segfault,
    "stack overflow": _overflow_the_stack,
    "out of memory, by limit": _run_out_of_memory,
    "out of memory, by the kernel": _be_killed_by_the_kernel,
    "abort": _abort,
    "os._exit(0)": _leave_quietly,
    "sys.exit()": _exit,
    "closes all files": _close_all_files,
    "closes all files and opens others": _close_all_files_and_take_their_numbers,
}


def _change_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.5)


def _close_standard_files() -> None:
    os.closerange(0, 3)


def _lose_standard_streams() -> None:
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]


def _change_locale() -> None:
    for name in ("de_DE.UTF-8", "tr_TR.UTF-8", "C"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)


def _change_environment() -> None:
    record = os.environ["JOBQUEUE_TEST_RECORD"]
    os.environ.clear()
    os.environ["JOBQUEUE_TEST_RECORD"] = record
    os.chdir("/")
    os.umask(0o777)


def _change_the_interpreter() -> None:
    gc.disable()
    sys.setswitchinterval(10)
    sys.setrecursionlimit(200)
    socket.setdefaulttimeout(0.000001)
    threading.excepthook = lambda *_: None
    multiprocessing.set_start_method("spawn", force=True)


def _use_up_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
    with suppress(OSError):
        while True:
            os.open("/dev/null", os.O_RDONLY)


ALONE = {"kills the fork server": _kill_the_fork_server}
RUDE: dict[str, Callable[[], None]] = {
    "signal handlers": _change_signals,
    "standard files": _close_standard_files,
    "standard streams": _lose_standard_streams,
    "locale": _change_locale,
    "environment": _change_environment,
    "interpreter": _change_the_interpreter,
}


@leaves("line")
@task(max_attempts=100, backoff=soon)
def harm(how: str) -> str:
    """Leave a line, and do something to the process in the middle of the transaction; but once."""
    say("start")
    leave("line")
    if current_job().attempt == 1:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        {**DEADLY, **ALONE, **RUDE}[how]()
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def use_up_files(disconnect: bool) -> str:
    """Leave a line, having opened files until no more can be; in the first attempt alone."""
    say("start")
    if current_job().attempt == 1:
        if disconnect:
            connection.close()
        _use_up_files()
    leave("line")
    return str(current_job().id)


@leaves("line")
@task
def leave_a_thread() -> str:
    """Leave a thread behind that does not end."""
    say("start")
    threading.Thread(target=wait_at_gate, args=(UNTIL_LET_GO, current_job().id)).start()
    leave("line")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon, timeout=1)
def take_too_long() -> str:
    """Take longer than it may; once."""
    say("start")
    if current_job().attempt == 1:
        time.sleep(60)
    leave("line")
    return str(current_job().id)


@leaves("line")
@task
def hold_the_gil(seconds: float) -> str:
    """Spend that long in native code that keeps the interpreter to itself, and leave a line."""
    say("start")
    # A function of a PyDLL is called without giving the GIL away.
    ctypes.PyDLL(None).usleep(ctypes.c_uint(int(seconds * 1_000_000)))
    say("awake")
    leave("line")
    return str(current_job().id)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of forks of a process with threads, which this one is.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _return() -> None:
    """Go back to where the executor called the body."""


def _raise() -> None:
    raise RuntimeError("in the fork")


def _exit_in_order() -> None:
    sys.exit(0)


def _write_and_return() -> None:
    Entry.objects.create(note=f"fork {os.getpid()}")


ENDS_OF_FORKS = {"returns": _return, "raises": _raise, "exits": _exit_in_order, "writes and returns": _write_and_return}


@leaves("before", "after")
@task(max_attempts=100, backoff=soon)
def fork(how: str) -> str:
    """Write, fork, let the child end as it likes, and write again."""
    say("start")
    leave("before")
    pid = _fork()
    if pid == 0:
        ENDS_OF_FORKS[how]()
        return "of the fork"
    os.waitpid(pid, 0)
    leave("after")
    return str(current_job().id)


def _lock_row(counter_id: int) -> None:
    Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)
    say("locked")


@leaves("line")
@task(max_attempts=1)
def end_a_fork() -> str:
    """Have a child live until it is told to stop (SIGTERM), leave a line, and fail unless that ended it."""
    say("start")
    told, tells = os.pipe()
    pid = _fork()
    if pid == 0:
        os.write(tells, b"!")
        time.sleep(60)
        os._exit(0)
    os.read(told, 1)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
    leave("line")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def fork_and_die(counter_id: int) -> str:
    """Lock a row, leave a child behind that has all files of this process open, and die; but once."""
    say("start")
    leave("line")
    _lock_row(counter_id)
    job_id = current_job().id
    if current_job().attempt == 1:
        if _fork() == 0:
            say("fork", job_id)
            wait_at_gate(60, job_id)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return str(job_id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def hold_a_row(counter_id: int) -> str:
    """Lock a row, and wait at the gate with the transaction open; but once."""
    say("start")
    leave("line")
    _lock_row(counter_id)
    if current_job().attempt == 1:
        wait_at_gate(UNTIL_LET_GO)
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def hold_a_row_in_a_step(counter_id: int) -> str:
    """Lock a row in a step, and wait at the gate with its transaction open; but once."""

    def second() -> None:
        leave("second")
        _lock_row(counter_id)
        if current_job().attempt == 1:
            wait_at_gate(UNTIL_LET_GO)

    say("start")
    once("first", leave, "first")
    once("second", second)
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def keep_the_server_busy(counter_id: int) -> str:
    """Lock a row, and wait in a statement that the server is busy with for a minute; but once."""
    say("start")
    leave("line")
    _lock_row(counter_id)
    if current_job().attempt == 1:
        wait = {"postgresql": "SELECT pg_sleep(60)", "mysql": "SELECT SLEEP(60)"}[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(wait)
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def use_multiprocessing(method: str) -> str:
    """Have two processes write by connections of their own, and leave a line."""
    say("start")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context(method).Pool(2) as pool:
            pool.map(pool_work.write, range(2))
    leave("line")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def write_in_a_thread() -> str:
    """Have a thread write by a connection of its own, leave a line, and die; but once."""
    say("start")

    def write() -> None:
        try:
            Entry.objects.create(note="thread")
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    leave("line")
    if current_job().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return str(current_job().id)
