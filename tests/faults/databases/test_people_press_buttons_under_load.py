"""Cancel, retry and prune while workers run, and a hundred who enqueue one key at once. S1, S2, S4, S8."""

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.tasks import task_backends
from django.test import Client
from django.urls import reverse

from jobqueue import lifecycle
from jobqueue.models import Attempt, Job, LedgerEntry
from tests.app import database_fault_tasks, fault_tasks
from tests.app.models import Entry
from tests.waiting import wait_until


@contextmanager
def again_and_again(deed, *arguments):
    """Have a thread for each of the arguments do that with it, until the block is over."""
    stop, errors = threading.Event(), []

    def run(argument):
        try:
            while not stop.wait(0.05):
                deed(argument)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors


@pytest.fixture
def admin(transactional_db):
    user = User.objects.create_superuser("presser")
    yield user
    Session.objects.all().delete()
    user.delete()


def test_whoever_cancels_and_retries_makes_nothing_happen_twice(world_on, admin):
    world, chance, pressed = world_on("default"), random.Random(4), defaultdict(int)
    clients = [Client() for _ in range(3)]
    for client in clients:
        client.force_login(admin)
    ids = []
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        ids += world.enqueue_many(task, 15, 0.3)

    def press(client):
        verb = chance.choice(["cancel", "retry"])
        some = ",".join(map(str, chance.sample(ids, 5)))
        response = client.post(reverse(f"admin:jobqueue_job_{verb}"), {"ids": some, "confirmed": "yes"})
        assert response.status_code == 302
        pressed[verb] += 1

    worker = world.start(concurrency=3)
    world.wait_said("start")
    with again_and_again(press, *clients):
        wait_until(lambda: min(pressed["cancel"], pressed["retry"]) >= 15, 60)
        wait_until(lambda: Attempt.objects.filter(outcome="cancelled").exists(), 60)
    world.wait_ended()
    failed = ",".join(map(str, Job.objects.filter(status="FAILED").values_list("pk", flat=True)))
    clients[0].post(reverse("admin:jobqueue_job_retry"), {"ids": failed, "confirmed": "yes"})
    world.assert_all_right()
    numbers = list(Attempt.objects.values_list("job_id", "number"))
    assert len(numbers) == len(set(numbers))
    assert worker.poll() is None


def test_what_is_pruned_at_once_is_known_by_its_key(world_on):
    world, told = world_on("default"), defaultdict(set)
    task = fault_tasks.write.using(backend="default")

    def enqueue(name):
        for number in range(10):
            told[number].add(task.using(idempotency_key=f"key-{number}").enqueue().id)

    def prune(_):
        lifecycle.prune("default", older_than=timedelta(0))

    world.start()
    with again_and_again(prune, 1), again_and_again(enqueue, 1, 2):
        wait_until(lambda: Entry.objects.count() == 10 and not Job.objects.exists(), 60)
        rounds = Entry.objects.count()
        enqueue("once more")
    assert rounds == Entry.objects.count() == 10
    assert {len(ids) for ids in told.values()} == {1}
    assert set(Entry.objects.values_list("job", flat=True)) == {job_id for ids in told.values() for job_id in ids}


def test_a_hundred_connections_enqueue_one_key(request, world_on):
    if connection.vendor != "sqlite":
        request.getfixturevalue("server")  # One that takes so many.
    world, begin = world_on("default"), threading.Barrier(100)
    task = database_fault_tasks.write_twice.using(backend="default", idempotency_key="order-42")

    def enqueue(_):
        try:
            connection.ensure_connection()
            begin.wait(60)
            return task.enqueue().id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(100) as threads:
        ids = set(threads.map(enqueue, range(100)))
    assert ids == {str(Job.objects.get().pk)} == {str(LedgerEntry.objects.get().job_id)}
    world.enqueued[Job.objects.get().pk] = task.module_path
    world.start("--burst").wait(60)
    world.assert_all_right()
    assert task_backends["default"].get_result(*ids).return_value == task.enqueue().return_value == next(iter(ids))
