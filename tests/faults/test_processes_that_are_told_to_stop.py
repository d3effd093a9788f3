"""SIGTERM and its kin at any moment, once, twice and in storms: what is running ends or is handed back, uncharged."""

import os
import random
import signal
import time

import pytest

from tests.app import fault_tasks
from tests.process.pids import descendants, living
from tests.waiting import wait_until

# Between the claim of a job and the moment when nothing is left of it to be done, in the order of their passing.
POINTS = [
    "claim.after",
    "hand.after",
    "run.before",
    "run.after-statement",
    "fence.after",
    "fence.committed",
    "settle.before",
]
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# What else a process may be sent by whoever means well, a kernel or a terminal.
HARMLESS = (signal.SIGPIPE, signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH, signal.SIGURG)


def check_uncharged(world):
    for job_id in world.enqueued:
        row = world.row(job_id)
        assert (row.crashes, row.failures) == (0, 0), (row.task_path, row.crashes, row.failures)


def stop_at(world, tmp_path, point, *, times=1, grace):
    """Have a worker stop while one of its processes is at a point, where it stays for a second."""
    marker = tmp_path / "reached"
    order = f"{point}=delay:1,marker={marker}"
    worker = world.start(concurrency=1, grace=grace, listens=False, env={"JOBQUEUE_POINT": order})
    wait_until(marker.exists, 20)
    for _ in range(times):
        worker.terminate()
    assert worker.wait(20) == 0
    assert not [row for row in map(world.row, world.enqueued) if row.status == "RUNNING"]


@pytest.mark.parametrize("point", POINTS)
def test_wherever_a_job_is_when_sigterm_comes(world_on, tmp_path, point):
    world = world_on("plain")
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        world.enqueue(task)
    stop_at(world, tmp_path, point, grace=0.3)
    world.start()
    world.assert_all_right()
    check_uncharged(world)


@pytest.mark.parametrize("point", ["run.after-statement", "fence.after"])
def test_a_second_sigterm_leaves_no_time_to_end(world_on, tmp_path, point):
    world = world_on("default")
    world.enqueue(fault_tasks.write)
    stop_at(world, tmp_path, point, times=2, grace=60)
    world.start()
    world.assert_all_right()
    check_uncharged(world)


def test_a_terminal_that_is_closed_stops_a_worker_in_order(world_on):
    world = world_on("plain")
    worker = world.start(grace=60)
    job_id = world.enqueue(fault_tasks.hold)
    world.wait_said("start", job_id)
    worker.signal_group(signal.SIGHUP)
    worker.wait_output(" stops: 1 jobs are under way.")
    world.let_go(job_id)
    assert worker.wait(20) == 0
    world.assert_all_right()
    check_uncharged(world)


def test_one_that_was_started_by_nohup_outlives_its_terminal(world_on):
    world = world_on("plain")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        worker = world.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    job_id = world.enqueue(fault_tasks.hold)
    world.wait_said("start", job_id)
    worker.signal_group(signal.SIGHUP)
    world.enqueue_many(fault_tasks.write, 5)
    world.assert_all_right()
    check_uncharged(world)
    assert worker.poll() is None
    assert len(world.said("start", job_id)) == 1


def test_signals_that_are_not_for_executors_disturb_none(world_on):
    world = world_on("plain")
    worker = world.start()
    held = [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
    executors = {world.wait_said("start", job_id).pid for job_id in held}
    others = descendants(worker.pid) - executors
    for number in (*STOPPING, *HARMLESS):
        for pid in executors | others:
            os.kill(pid, number)
    for pid in executors:
        os.kill(pid, signal.SIGUSR1)  # By which its worker interrupts a body; nobody has asked for that.
    for number in HARMLESS:
        worker.send_signal(number)
    world.enqueue_many(fault_tasks.write, 5)
    world.assert_all_right()
    check_uncharged(world)
    assert executors <= living(descendants(worker.pid))


@pytest.mark.parametrize("seed", [1])
def test_a_storm_of_signals_charges_nobody(world, seed):
    """Nothing of it kills: workers are told to stop, again and again, and processes are frozen for a moment."""
    chance = random.Random(seed)
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        world.enqueue_many(task, 20, 0.05)
    workers = [world.start("--name", f"storm-{number}", grace=0.5) for number in range(2)]
    over = time.monotonic() + 4
    while time.monotonic() < over:
        worker = chance.choice(workers)
        deed = chance.choice(("stop", "stop", "freeze", "freeze", "freeze", "disturb"))
        if deed == "stop" and world.said("start"):
            for _ in range(chance.choice((1, 1, 2, 5))):
                worker.send_signal(chance.choice(STOPPING))
            if worker.poll() is not None:
                workers[workers.index(worker)] = world.start("--name", "storm", grace=0.5)
        elif worker.poll() is None and (pids := descendants(worker.pid)):
            pid = chance.choice(sorted(pids | {worker.pid}))
            _freeze(pid, chance.uniform(0.0, 0.3)) if deed == "freeze" else _disturb(pid, chance)
        time.sleep(chance.uniform(0.0, 0.3))
    world.start("--name", "calm")
    world.assert_all_right()
    check_uncharged(world)


def _freeze(pid, seconds):
    """Freeze a process for a moment; far shorter than a lease, after which others would have to act."""
    try:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return  # It has ended meanwhile.


def _disturb(pid, chance):
    try:
        os.kill(pid, chance.choice(HARMLESS))
    except ProcessLookupError:
        return
