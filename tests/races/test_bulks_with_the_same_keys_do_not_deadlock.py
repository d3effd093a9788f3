"""Two enqueue_many() with the same idempotency keys in other orders wait for each other once, and not crosswise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.calls import new_calls
from jobqueue.errors import IdempotencyConflict
from jobqueue.models import Job, LedgerEntry
from tests.app.tasks import echo
from tests.races.actors import Actor
from tests.races.test_one_unique_job_at_a_time import in_threads


def enqueue_many(keys: Any, value: int = 1, **values: Any) -> list[UUID]:
    calls = [((value,), {}, {"idempotency_key": str(key), **values}) for key in keys]
    return [UUID(answer.job_id) for answer in lifecycle.create_each(new_calls(echo, calls, limit=1000))]


def test_the_second_waits_for_the_first_and_gets_its_jobs(anna: Actor, bert: Actor) -> None:
    anna.begin()
    first = anna.do(enqueue_many, "abc")
    second = bert.start(enqueue_many, "dcb")
    bert.waits(second)
    anna.commit()
    assert second.result(10)[1:] == [first[2], first[1]]
    assert Job.objects.count() == 4


def test_the_second_makes_them_when_the_first_is_undone(anna: Actor, bert: Actor) -> None:
    anna.begin()
    first = anna.do(enqueue_many, "abc")
    second = bert.start(enqueue_many, "cb")
    bert.waits(second)
    anna.roll_back()
    assert not {*second.result(10)} & {*first}
    assert {*second.result()} == {*Job.objects.values_list("pk", flat=True)}


def test_the_second_with_other_arguments_is_told_so_and_enqueues_nothing(anna: Actor, bert: Actor) -> None:
    anna.begin()
    anna.do(enqueue_many, "ab")
    second = bert.start(enqueue_many, "cb", 2)
    bert.waits(second)
    anna.commit()
    with pytest.raises(IdempotencyConflict, match=r"'b' of calls\[1\]"):
        second.result(10)
    assert Job.objects.count() == LedgerEntry.objects.count() == 2


@pytest.mark.parametrize("used", ["new", "over"])
def test_overlapping_keys_in_other_orders_do_not_deadlock(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, used: str
) -> None:
    monkeypatch.setattr("jobqueue.ledger._LOT", 10)
    keys = [f"{number:03}" for number in range(60)]

    def act(which: int) -> dict[str, UUID]:
        chosen = keys[which * 5 :] if which % 2 else keys[: 60 - which * 5][::-1]
        with transaction.atomic():
            return dict(zip(chosen, enqueue_many(chosen, key_ttl=60), strict=True))

    for _ in range(5):
        Job.objects.all().delete()
        LedgerEntry.objects.all().delete()
        if used == "over":
            enqueue_many(keys[::2], key_ttl=60)
            Job.objects.update(status="FAILED")
            LedgerEntry.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for answers in in_threads(4, act):
            for key, job_id in answers.items():
                assert LedgerEntry.objects.get(key=key).job_id == job_id
        assert Job.objects.filter(status="READY").count() == LedgerEntry.objects.count() == 60
