"""Who enqueues on another database, and who judges that, dies or freezes at each point: the job and the data agree."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connections, transaction

from jobqueue.models import Gate, Job, LedgerEntry
from jobqueue.worker import judge as judging
from jobqueue.worker.judge import Judge
from tests.aliases.points import ENQUEUES, JUDGES
from tests.app.models import Entry
from tests.app.tasks import echo
from tests.processes import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("transactional_db")
POINTS = [*(("enqueue", point) for point in ENQUEUES), *(("judge", point) for point in JUDGES)]
each_point = pytest.mark.parametrize(("deed", "point"), POINTS)
# Seconds: an interpreter starts in one, but for a machine that has much else to do.
LONG = 120.0
COMMITTED = {"commit.before-open", "commit.after-open"}


@pytest.fixture
def start(tmp_path, suite_environment):
    """Give `start(deed, order)`: a process that does the deed, and as JOBQUEUE_POINT says."""
    started = []

    def start(deed, point, order):
        command = [sys.executable, "-m", "tests.aliases.deeds", deed]
        marker = tmp_path / "reached"
        env = {**os.environ, **suite_environment, "JOBQUEUE_POINT": f"{point}={order},marker={marker}"}
        started.append(subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL))
        wait_until(marker.exists, LONG)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def judge(monkeypatch):
    """Give `judge()`, which judges what waits, be it new or old."""
    monkeypatch.setattr(judging, "_AFTER", -judging._AFTER)
    return lambda: Judge().tick()


def undone_job():
    with transaction.atomic():
        echo.using(backend="plain").enqueue_on_commit(7)
        transaction.set_rollback(True)
    connections.close_all()


def check_agrees(*, happened):
    """Check that there is a job if and only if there is the caller's line, and that nothing waits any more."""
    assert (Job.objects.filter(gate=Gate.OPEN).count(), Job.objects.count()) == (happened, happened)
    assert Entry.objects.count() == happened
    assert not LedgerEntry.objects.using("jobs").exists()


@each_point
def test_killed(start, judge, deed, point):
    if deed == "judge":
        undone_job()
    process = start(deed, point, "kill")
    assert process.wait(LONG) == -signal.SIGKILL
    judge()
    check_agrees(happened=point in COMMITTED)


@each_point
def test_frozen_while_others_judge(start, judge, deed, point):
    if deed == "judge":
        undone_job()
    process = start(deed, point, "freeze")
    wait_until(lambda: is_stopped(process.pid), 30)
    judge()
    process.send_signal(signal.SIGCONT)
    assert process.wait(LONG) == 0
    judge()
    check_agrees(happened=deed == "enqueue")


def is_stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] in "Tt"
