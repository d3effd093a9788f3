"""The six steps of the story are told from the rows of the moment, whoever it was that made them so."""

from __future__ import annotations

import html
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from django.db.models import F
from django.tasks import TaskResultStatus
from django.test import Client
from django.urls import reverse

from jobqueue.database import DatabaseNow
from jobqueue.fence import Fence
from jobqueue.ledger import record_step
from jobqueue.models import Attempt, Job, Outcome, Worker
from jobqueue.worker.executor.conscience import Conscience
from project.counters import late
from project.counters.models import Counter
from project.counters.tasks import add_one, count_slowly
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

STEP = re.compile(r'<li class="(\w+)"[^>]*>\s*<h3>([^<]*).*?</h3>\s*<p>(.*?)</p>(.*?)</li>', re.DOTALL)
LEASE = 5.0


class Told(NamedTuple):
    """What the page tells: the states of the steps, by their first letters, the text of each, and what else it has."""

    states: str
    texts: list[str]
    offers: set[str]
    page: str


@pytest.fixture
def told(client: Client, settings) -> Callable[[], Told]:
    settings.DEBUG = True

    def ask() -> Told:
        page = html.unescape(client.get(reverse("counters:live")).content.decode())
        story = page[page.index('class="story"') : page.index('class="figures')]
        steps = STEP.findall(story)
        offers = {name for name in ("press-slow", "press-freeze", "<meter") if name in story}
        return Told("".join(state[0] for state, *_ in steps), [text for _, _, text, _ in steps], offers, page)

    return ask


class Scene:
    """A long job and two workers, as the rows have them."""

    def __init__(self, make_worker: Callable[..., Worker], counter: Counter) -> None:
        self.counter = counter
        self.first = make_worker(id="first-0a1b2c3d", name="first")
        self.second = make_worker(id="second-0a1b2c3d", name="second")
        self.job_id = UUID(count_slowly.enqueue(counter.pk).id)

    def claim(self, worker: Worker, attempt: int) -> None:
        Job.objects.filter(pk=self.job_id).update(
            status=TaskResultStatus.RUNNING,
            worker_id=worker.pk,
            attempt=attempt,
            token=uuid4(),
            started_at=DatabaseNow(),
        )

    def silence(self, worker: Worker, seconds: float) -> None:
        Worker.objects.filter(pk=worker.pk).update(heartbeat_at=DatabaseNow() - timedelta(seconds=seconds))

    def lose(self, **values: Any) -> None:
        """The first attempt is lost, and the job is ready again."""
        token = Job.objects.get(pk=self.job_id).token
        times = {"started_at": DatabaseNow() - timedelta(seconds=9), "ended_at": DatabaseNow(), "renewals": 3}
        row = {"number": 1, "token": token, "worker_id": self.first.pk, "outcome": Outcome.LOST}
        Attempt.objects.create(job_id=self.job_id, **(row | times | values))
        Job.objects.filter(pk=self.job_id).update(status=TaskResultStatus.READY, token=None)

    def count(self) -> None:
        """A step is committed."""
        record_step(Fence(self.job_id, 1, self.job_id), f"add {self.counter.value}", None)
        self.counter.value += 1
        self.counter.save()

    def succeed(self) -> None:
        Job.objects.filter(pk=self.job_id).update(status=TaskResultStatus.SUCCESSFUL, finished_at=DatabaseNow())


@pytest.fixture
def scene(make_worker: Callable[..., Worker], counter: Counter) -> Scene:
    return Scene(make_worker, counter)


def test_nothing_has_happened_and_there_is_one_thing_to_press(told, counter: Counter) -> None:
    story = told()

    assert (story.states, story.offers) == ("nlllll", {"press-slow"})
    assert 'data-said="Step 1 of 6: Start the long job."' in story.page
    assert 'class="line" hidden' in story.page


def test_every_step_is_told_when_it_has_happened(told, scene: Scene) -> None:
    assert told()[:3:2] == ("nlllll", set())
    assert told().texts[0] == "It waits for a worker."

    scene.claim(scene.first, 1)
    assert (told().states, told().offers) == ("dnllll", {"press-freeze", "<meter"})
    assert "first took it" in told().texts[0]
    assert "Attempt 1 on first: running for" in told().page

    scene.count()
    scene.silence(scene.first, 0.8 * LEASE)
    assert (told().states, told().offers) == ("ddnlll", {"<meter"})
    scene.silence(scene.first, 1.2 * LEASE)
    assert (told().states, told().offers) == ("dddnll", set())

    scene.lose()
    assert told().states == "dddnll"
    scene.claim(scene.second, 2)
    assert told().states == "ddddnl"
    assert "second began attempt 2" in told().texts[3]
    assert "first still stands still" in told().texts[4]
    assert 'jq-refused" d=' not in told().page

    Attempt.objects.update(refused_writes=1)
    assert told().states == "dddddn"
    assert "first went on and added 1. The database took that back" in told().texts[4]
    assert "attempt 1 does not own the job any more" in told().texts[4]
    assert "Attempt 1 on first: lost after 9.0\N{NO-BREAK SPACE}s, 3 renewals, 1 late write refused." in told().page
    assert 'class="jq-refused" d="M' in told().page

    scene.succeed()
    assert (told().states, told().offers) == ("dddddd", {"press-slow"})
    assert told().texts[5] == "It shows 1, and the finished steps add up to 1."
    assert 'data-said="The counter is right: It shows 1, and' in told().page


def test_a_late_write_that_was_not_refused_would_be_told(told, scene: Scene) -> None:
    scene.claim(scene.first, 1)
    scene.lose()
    scene.claim(scene.second, 2)
    scene.count()
    Counter.objects.update(value=F("value") + 1)

    assert told().states == "ddddpw"
    assert told().texts[5] == "It shows 2, and 1 was to be expected."


def test_a_worker_that_was_killed_is_not_waited_for(told, scene: Scene) -> None:
    scene.claim(scene.first, 1)
    scene.silence(scene.first, 40)
    scene.lose()
    scene.claim(scene.second, 2)

    assert told().states == "ddddpn"
    assert "first is dead" in told().texts[4]
    scene.succeed()
    assert (told().states, told().offers) == ("ddddpd", {"press-slow"})


def test_a_worker_that_woke_up_and_wrote_nothing_was_refused_nothing(told, scene: Scene) -> None:
    scene.claim(scene.first, 1)
    scene.lose()
    scene.claim(scene.second, 2)

    assert told().states == "ddddpn"
    assert "before it wrote" in told().texts[4]


def test_a_job_that_ended_undisturbed_is_to_be_started_again(told, scene: Scene) -> None:
    scene.claim(scene.first, 1)
    scene.succeed()

    assert (told().states, told().offers) == ("dnllll", {"press-slow"})
    assert "ended before that" in told().texts[1]


def test_nothing_is_frozen_on_anybody_elses_machine(told, scene: Scene, settings) -> None:
    scene.claim(scene.first, 1)
    settings.DEBUG = False

    assert (told().states, told().offers) == ("dnllll", {"<meter"})


@pytest.fixture
def stopped() -> Generator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.send_signal(signal.SIGSTOP)
        yield process.pid
        process.kill()


def test_a_freeze_is_seen_before_a_heartbeat_is_missed(told, scene: Scene, stopped: int) -> None:
    scene.claim(scene.first, 1)
    Worker.objects.filter(pk=scene.first.pk).update(pid=stopped)

    wait_until(lambda: told().states == "ddnlll")


def test_the_story_is_the_newest_long_jobs_whatever_came_after(told, scene: Scene, counter: Counter) -> None:
    scene.claim(scene.first, 1)
    scene.lose()
    scene.succeed()
    for _ in range(15):
        add_one.enqueue(counter.pk)
    assert told().states == "dddnpl"

    count_slowly.enqueue(counter.pk)
    assert told().states == "nlllll"
    scene.claim(scene.first, 3)
    assert told().states == "nlllll"


def test_executors_write_late_where_that_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Conscience.run
    monkeypatch.setattr(Conscience, "run", real)
    monkeypatch.delenv(late.VARIABLE, raising=False)
    late.allow_if_asked()
    assert Conscience.run is real

    monkeypatch.setenv(late.VARIABLE, "1")
    late.allow_if_asked()
    assert Conscience([], None).run() is None
