"""A worker counts what it claims and what becomes of it, and writes it down though the database was away meanwhile."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from jobqueue import tallies
from jobqueue.models import Job, Tally
from jobqueue.tallies import NUMBERS
from jobqueue.worker import bookkeeper
from jobqueue.worker.bookkeeper import Bookkeeper
from jobqueue.worker.messages import Ended, How
from tests import rows
from tests.app.models import Counter as Row
from tests.app.tasks import add, boom, echo

pytestmark = pytest.mark.usefixtures("nothing_counted")


def numbers() -> dict[str, int]:
    total = Counter[str]()
    for row in Tally.objects.all():
        total.update({name: getattr(row, name) for name in NUMBERS})
    return {name: number for name, number in total.items() if number}


@pytest.fixture
def books() -> Bookkeeper:
    return Bookkeeper("default")


@pytest.mark.django_db
class TestCounting:
    @pytest.mark.parametrize(
        ("end", "counted"),
        [
            (Ended(How.VALUE, None, 2.0), {"succeeded": 1}),
            (Ended(How.SETTLED, None, 2.0), {"succeeded": 1}),
            (Ended(How.FAILED, None, 2.0), {"failed": 1}),
            (Ended(How.FAILED, None, 2.0, again=True), {"raised": 1}),
            (Ended(How.LOST, None, 2.0, refused=True), {"refused": 1}),
            (Ended(How.LOST, None, 2.0), {}),
            (Ended(How.HANDED_BACK, None, 2.0), {}),
            (Ended(How.NO_ROOM, None, 2.0), {}),
            (Ended(How.STALE, None, 0.0), {}),
        ],
    )
    def test_an_end_is_counted_as_what_it_is(self, books: Bookkeeper, end: Ended, counted: dict[str, int]) -> None:
        books.ended([(rows.claimed(), end)])
        books.write(at_once=True)
        assert numbers() == counted
        ran = [sum(row.runs) for row in Tally.objects.all()]
        assert sum(ran) == (0 if end.how in (How.LOST, How.HANDED_BACK, How.NO_ROOM, How.STALE) else 1)

    def test_of_many_each_is_counted_for_its_own_task_and_queue(self, books: Bookkeeper) -> None:
        claims = [
            rows.claimed(task=add),
            rows.claimed(task=echo),
            rows.claimed(task=echo, queue_name="mail"),
            rows.claimed(task=echo),
        ]
        ends = [Ended(how, None, 0.1) for how in (How.VALUE, How.SETTLED, How.VALUE, How.FAILED)]
        books.ended(zip(claims, ends, strict=True))
        books.write(at_once=True)
        found = Tally.objects.values_list("task_path", "queue", "succeeded", "failed")
        assert set(found) == {
            (add.module_path, "default", 1, 0),
            (echo.module_path, "default", 1, 1),
            (echo.module_path, "mail", 1, 0),
        }

    def test_so_are_crashes_renewals_and_rescues(self, books: Bookkeeper) -> None:
        claim = rows.claimed()
        books.crashed(claim, for_good=False)
        books.crashed(claim, for_good=True)
        books.renewed(claim)
        books.rescued(for_good=True)
        books.write(at_once=True)
        assert numbers() == {"crashed": 2, "failed": 2, "renewed": 1, "rescued": 1}
        assert set(Tally.objects.values_list("task_path", flat=True)) == {"", echo.module_path}

    @pytest.mark.parametrize("many", [1, 3, 8, 9, 40])
    def test_each_job_of_a_claim_counts_once_among_the_waits(self, books: Bookkeeper, many: int) -> None:
        for _ in range(many):
            rows.enqueue()
        claims = rows.claim(limit=50)
        assert all(0 <= claim.waited < 60 for claim in claims)
        books.claimed(claims)
        books.claimed([])
        books.write(at_once=True)
        assert sum(Tally.objects.get().waits) == many

    @pytest.mark.parametrize(
        "moment",
        ["nonsense", "-infinity", "", 10**400, float("nan"), float("-inf"), b"\xff", []],
        ids=["a word", "infinity", "empty", "a large number", "no number", "an infinite number", "bytes", "a list"],
    )
    def test_a_row_with_a_moment_that_is_none_stops_nobody(self, books: Bookkeeper, moment: Any) -> None:
        rows.enqueue()
        rows.enqueue()
        odd, fine = rows.claim(limit=2)
        books.claimed([odd._replace(moments=(moment, *odd.moments[1:])), fine])
        books.write(at_once=True)
        assert sum(Tally.objects.get().waits) == 1

    def test_it_is_written_some_times_a_minute(self, books: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> None:
        books.renewed(rows.claimed())
        books.write()
        assert not Tally.objects.exists()
        books._next = 0.0
        books.write()
        assert Tally.objects.get().renewed == 1
        books._next = 0.0
        books.write()
        assert Tally.objects.count() == 1, "nothing new was counted"

    def test_what_could_not_be_written_is_written_later(
        self, books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claim = rows.claimed()
        books.renewed(claim)

        def away(_: object) -> None:
            books.renewed(claim)
            raise OperationalError("gone")

        with monkeypatch.context() as patched:
            patched.setattr(bookkeeper.tallies, "record", away)
            with pytest.raises(OperationalError):
                books.write(at_once=True)
        books.write(at_once=True)
        assert numbers() == {"renewed": 2}


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stops_has_written_down_all_that_it_has_counted() -> None:
    counter = Row.objects.create(name="visits")
    for _ in range(5):
        add.using(backend="plain").enqueue(counter.pk)
    echo.using(backend="plain").enqueue(1)
    boom.using(backend="plain").enqueue()
    Job.objects.filter(task_path=boom.module_path).update(failures=2)
    call_command("runworkers", backend="plain", burst=True, concurrency=1, reload=False)
    assert numbers() == {"succeeded": 6, "failed": 1}
    now = tallies.now()
    counted = tallies.entries(now - tallies.HOUR)
    found = tallies.series(counted, tallies.HOUR, 2, by=lambda key: key.task_path, until=now)
    assert {path: sum(it.whole.runs) for path, it in found.items()} == {
        add.module_path: 5,
        echo.module_path: 1,
        boom.module_path: 1,
    }
    assert sum(sum(it.whole.waits) for it in found.values()) == 7
