"""The watchdog tells bodies to stop while the main thread buries executors: neither must stumble over the other."""

import threading
from uuid import UUID

import pytest

from jobqueue.worker.crew import Executor
from jobqueue.worker.messages import Why

JOB = UUID(int=1)


class Pipe:
    """Takes its time to send, and says in what order things happened."""

    def __init__(self):
        self.happened = []
        self.sending, self.go_on = threading.Event(), threading.Event()

    def send(self, message):
        if "closed" in self.happened:
            raise OSError("handle is closed")
        self.sending.set()
        assert self.go_on.wait(10)
        self.happened.append("sent")

    def close(self):
        self.happened.append("closed")


class Process:
    def join(self):
        pass

    close = join


@pytest.fixture
def executor():
    executor = object.__new__(Executor)
    executor.pipe, executor._process, executor._sending = Pipe(), Process(), threading.Lock()
    return executor


def test_a_burial_waits_for_what_is_being_sent(executor):
    told = threading.Thread(target=executor.interrupt, args=(JOB, Why.LEASE_LOST))
    told.start()
    assert executor.pipe.sending.wait(10)
    buried = threading.Thread(target=executor.bury)
    buried.start()
    buried.join(0.2)
    assert executor.pipe.happened == []
    executor.pipe.go_on.set()
    for thread in (told, buried):
        thread.join(10)
    assert executor.pipe.happened == ["sent", "closed"]


def test_who_is_buried_is_told_nothing(executor):
    executor.bury()
    executor.interrupt(JOB, Why.LEASE_LOST)
    assert executor.pipe.happened == ["closed"]
