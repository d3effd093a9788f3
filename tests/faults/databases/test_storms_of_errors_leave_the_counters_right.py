"""Deadlocks, serialization failures, timeouts and lost sessions, by the dozen. S1, S3, S8, S13, L1."""

import os
import random
import threading

import pytest
from django.db import connection, connections

from jobqueue.models import Attempt
from tests.app import database_fault_tasks as tasks
from tests.app import fault_tasks
from tests.app.models import Counter
from tests.app.sessions import hang_up, session_of, sessions_here

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="It has one lock, and no sessions.")

DEADLOCK = {"postgresql": "deadlock detected", "mysql": "1213"}
SERIALIZATION = {"postgresql": "could not serialize access", "mysql": "1213"}
SLEEP = {"postgresql": "SELECT pg_sleep(3)", "mysql": "SELECT SLEEP(3) FROM jobqueue_job"}
CANCELLED = {"postgresql": "statement timeout", "mysql": "1969"}


def idea(name):
    return {"DJANGO_SETTINGS_MODULE": "tests.faults.databases.odd_settings", "JOBQUEUE_TEST_IDEA": name}


def values(*counters):
    return list(Counter.objects.filter(pk__in=[counter.pk for counter in counters]).values_list("value", flat=True))


def was_seen(words):
    return Attempt.objects.filter(traceback__contains=words[connection.vendor]).exists()


@pytest.mark.parametrize("task", [tasks.raise_both, tasks.raise_both_and_swallow], ids=lambda task: task.name)
def test_deadlocks_are_failures_as_any_other_also_when_the_body_swallows_them(world_on, task):
    world, (one, two) = world_on("default"), [Counter.objects.create(name=name) for name in ("one", "two")]
    jobs = 24
    for number in range(jobs):
        world.enqueue(task, *((one.pk, two.pk) if number % 2 else (two.pk, one.pk)))
    world.start(concurrency=4)
    world.assert_all_right()
    assert values(one, two) == [jobs, jobs]
    assert was_seen(DEADLOCK)


def test_where_a_project_asks_for_serializable_so_are_jobs(world_on):
    world, counter = world_on("default"), Counter.objects.create(name="one")
    jobs = world.enqueue_many(tasks.read_and_write, 24, counter.pk)
    world.enqueue_many(tasks.step_twice, 5)
    world.enqueue_many(tasks.value, 20)
    for _ in range(2):
        world.start(env=idea("serializable"))
    world.assert_all_right()
    assert values(counter) == [len(jobs)]
    assert was_seen(SERIALIZATION)


def test_what_an_administrator_cuts_short_is_tried_again(world_on):
    world = world_on("default")
    for patience in (SLEEP[connection.vendor], ""):
        world.enqueue(tasks.dawdle_first, patience)
    world.enqueue_many(fault_tasks.write_in_steps, 5)
    world.start(env=idea("impatient"))
    world.assert_all_right()
    assert was_seen(CANCELLED)
    assert Attempt.objects.filter(exception_class__contains="Error").count() >= 2


def test_sessions_are_ended_at_random(world):
    chance = random.Random(seed := int(os.environ.get("JOBQUEUE_SEED", "4")))
    print(f"JOBQUEUE_SEED={seed}")
    worker = world.start(concurrency=3)
    worker.wait_started()
    for task in (fault_tasks.write, fault_tasks.write_in_steps):
        world.enqueue_many(task, 15, 0.05)
    for task in (tasks.step_twice, tasks.raise_first, fault_tasks.value):
        world.enqueue_many(task, 10)
    done, ended, ours = threading.Event(), 0, session_of(connection)

    def storm():
        nonlocal ended
        while not done.wait(chance.uniform(0.05, 0.25)) and ended < 30:
            found = sorted(sessions_here() - {ours})
            hit = chance.sample(found, min(len(found), chance.choice([1, 1, 2, 9])))
            hang_up(hit)
            ended += len(hit)
        connections.close_all()

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        world.wait_ended()
    finally:
        done.set()
        thread.join()
    assert ended >= 5
    world.assert_all_right()
    assert worker.poll() is None
