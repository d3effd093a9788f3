"""The claimer: when to look, in which queues, for how many, and what a lease that is not granted means."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue import lifecycle, operations
from jobqueue.fence import Fence
from jobqueue.leases import Leases
from jobqueue.models import Attempt, Job, TaskDefinition
from jobqueue.queues import Queues
from jobqueue.worker.claimer import Claimer
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.settler import Settler
from tests import rows
from tests.app.tasks import add, boom, echo
from tests.worker.parts import OPTIONS, claim_of, identity, leases

pytestmark = pytest.mark.usefixtures("transactional_db")


class House:
    """A claimer and what it works with."""

    def __init__(self, *, queues=("default",), paths=rows.PATHS, found=None, hinted=True, **words):
        self.holdings = Holdings()
        self.settler = Settler(self.holdings, found, "w-1")
        self.claimer = Claimer(
            identity(),
            paths,
            Queues(queues, **words),
            self.holdings,
            self.settler,
            found,
            OPTIONS,
            hinted=lambda: hinted,
        )

    def look(self, room=10):
        self.claimer.look_now()
        return self.claimer.claim(room)


def test_as_many_as_there_is_room_for_by_priority():
    low, high, middle = (rows.enqueue(echo, 1, priority=priority) for priority in (-5, 5, 0))
    house = House()
    assert [claim.job_id for claim in house.look(room=2)] == [high, middle]
    assert {holding.claim.job_id for holding in house.holdings.all()} == {high, middle}
    assert not house.claimer.nothing_due()
    assert house.claimer.wait_seconds() == 0
    assert [claim.job_id for claim in house.claimer.claim(2)] == [low]


def test_without_room_or_before_its_time_it_does_not_even_ask():
    rows.enqueue()
    house = House()
    with CaptureQueriesContext(connection) as queries:
        assert house.look(room=0) == []
    assert len(queries) == 0
    house.look()
    rows.enqueue()
    with CaptureQueriesContext(connection) as queries:
        assert house.claimer.claim(10) == []
    assert len(queries) == 0
    assert len(house.look()) == 1


@pytest.mark.parametrize(("hinted", "most"), [(True, 2.0), (False, 0.25)])
def test_it_looks_again_in_a_while_sooner_without_hints(hinted, most):
    house = House(hinted=hinted)
    assert house.look() == []
    assert house.claimer.nothing_due()
    assert most / 2 < house.claimer.wait_seconds() <= most


def test_or_when_the_next_job_is_due():
    job_id = rows.enqueue()
    Job.objects.filter(pk=job_id).update(due_at=rows.job(job_id).due_at + rows.timedelta(seconds=0.7))
    house = House()
    assert house.look() == []
    assert 0 < house.claimer.wait_seconds() <= 0.7


def test_or_at_once_when_one_became_due_in_this_very_moment(monkeypatch):
    """It was not due to the look, and is 0 seconds away behind it."""
    monkeypatch.setattr(lifecycle, "next_due", lambda backend, queues: 0.0)
    house = House()
    assert house.look() == []
    assert house.claimer.wait_seconds() < 0.1


def test_jobs_that_it_cannot_run_are_no_reason_to_hurry():
    rows.enqueue(boom)
    house = House(paths=[echo.module_path])
    assert house.look() == []
    assert house.claimer.wait_seconds() > 1


def test_someone_who_calls_while_it_looks_is_heard(monkeypatch):
    house = House()
    pause = house.claimer._pause
    monkeypatch.setattr(house.claimer, "_pause", lambda **idle: house.claimer.look_now() or pause(**idle))
    house.look()
    assert house.claimer.wait_seconds() == 0
    assert not house.claimer.nothing_due()


def test_a_busy_queue_does_not_starve_another():
    for _ in range(5):
        rows.enqueue()
    rows.enqueue(echo, 1, queue_name="mail")
    house = House(queues=["default", "mail"])
    assert "mail" in {claim.queue for claim in house.look(room=1) + house.look(room=1)}


def test_nor_where_any_queue_may_be():
    for _ in range(3):
        rows.enqueue()
    rows.enqueue(echo, 1, queue_name="mail")
    house = House(queues=())
    assert "mail" in {claim.queue for claim in house.look(room=1) + house.look(room=1)}


def test_queues_in_order_wait_for_those_before_them():
    for queue in ("default", "default", "mail"):
        rows.enqueue(echo, 1, queue_name=queue)
    house = House(queues=("mail", "default"), in_order=True)
    assert [claim.queue for claim in house.look(room=2)] == ["mail", "default"]


def test_a_queue_gets_its_share_and_what_others_leave():
    for queue in ("default", "mail") * 8:
        rows.enqueue(echo, 1, queue_name=queue)
    house = House(queues=("mail=3", "default"))
    shares = Counter(claim.queue for claim in house.look(room=8))
    assert shares == {"mail": 6, "default": 2}
    assert Counter(claim.queue for claim in house.look(room=8)) == {"mail": 2, "default": 6}


@pytest.mark.parametrize(("queues", "found"), [(("ma*",), ["mail"]), (("!mail",), ["default"])])
def test_patterns_choose_among_the_queues_that_have_jobs(queues, found):
    for queue in ("default", "mail"):
        rows.enqueue(echo, 1, queue_name=queue)
    assert [claim.queue for claim in House(queues=queues).look()] == found


def test_a_paused_queue_is_left_alone():
    rows.enqueue()
    rows.enqueue(echo, 1, queue_name="mail")
    operations.pause_queue("default")
    assert [claim.queue for claim in House(queues=("default", "mail")).look()] == ["mail"]
    operations.resume_queue("default")
    assert len(House().look()) == 1


def test_only_its_own_queues():
    rows.enqueue(echo, 1, queue_name="mail")
    assert House(queues=["default"]).look() == []
    assert len(House(queues=[]).look()) == 1


def test_a_path_that_it_does_not_know_stays_ready():
    known, unknown = rows.enqueue(), rows.enqueue()
    Job.objects.filter(pk=unknown).update(task_path="tests.not_deployed_here.task")
    house = House()
    assert [claim.job_id for claim in house.look()] == [known]
    row = rows.job(unknown)
    assert (row.status, row.attempt, row.failures) == ("READY", 0, 0)


def test_a_task_that_was_paused_waits_and_goes_on():
    rows.enqueue(add)
    definition = TaskDefinition.objects.create(
        path=add.module_path,
        backend="default",
        queue="default",
        priority=0,
        effects="atomic",
        max_attempts=3,
        paused=True,
        synced_at=rows.timezone.now(),
    )
    house = House()
    assert house.look() == []
    definition.paused = False
    definition.save()
    assert len(house.look()) == 1


def test_it_waits_in_whatever_backend():
    rows.enqueue(add)
    TaskDefinition.objects.create(
        path=add.module_path, backend="plain", queue="default", priority=0, effects="atomic", max_attempts=3,
        paused=True, synced_at=rows.timezone.now(),
    )  # fmt: skip
    assert House().look() == []


def test_each_claim_gets_its_lease():
    found = leases()
    rows.enqueue()
    (claim,) = House(found=found).look()
    view = found.read([claim.job_id])[claim.job_id]
    assert (view.attempt, view.token, view.worker_id) == (1, claim.token, "w-1")


def test_a_job_whose_lease_is_a_later_owners_is_handed_back_for_as_long():
    """The database was set back to an older state: that owner may still be running it."""
    found = leases()
    job_id, other = rows.enqueue(), rows.enqueue()
    found.acquire([Fence(job_id, 5, claim_of().token)], "w-2")
    house = House(found=found)

    assert [claim.job_id for claim in house.look()] == [other]
    house.settler.flush()

    row = rows.job(job_id)
    assert (row.status, row.failures, row.crashes) == ("READY", 0, 0)
    assert Job.objects.ready().due().count() == 0
    assert not Attempt.objects.exists()
    assert found.read([job_id])[job_id].worker_id == "w-2"
    assert house.holdings.get(job_id) is None


def test_without_redis_jobs_run_all_the_same(settings):
    settings.CACHES = {"nobody": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    rows.enqueue()
    assert len(House(found=Leases("nobody", OPTIONS)).look()) == 1
