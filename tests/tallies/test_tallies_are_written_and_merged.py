"""What workers count is written in rows of their own, and merged by keepers without losing or doubling anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from jobqueue import tallies
from jobqueue.database import clock
from jobqueue.models import Tally
from jobqueue.tallies import DAY, HOUR, MINUTE, Count, Key, Series, series
from tests.effects.runs import elsewhere

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_counted")]

ADD = Key("default", "default", "tests.app.tasks.add")
MAIL = Key("default", "mail", "tests.app.tasks.echo")


def count(number: int) -> Count:
    made = Count(succeeded=number, failed=1, renewed=2 * number)
    for _ in range(number):
        made.waited(0.2)
        made.ran(3)
    return made


def written(number: int, *, ago: timedelta, key: Key = ADD) -> None:
    """Have a worker write that it has counted so many jobs, so long ago."""
    tallies.record({key: count(number)})
    newest = Tally.objects.latest("id")
    Tally.objects.filter(pk=newest.pk).update(at=newest.at - ago)


def whole() -> dict[str, Any]:
    total = Count()
    for row in Tally.objects.all():
        total.add(Count(**{name: getattr(row, name) for name in tallies.NUMBERS}, waits=row.waits, runs=row.runs))
    return {name: getattr(total, name) for name in (*tallies.NUMBERS, "waits", "runs")}


def lately(
    span: timedelta,
    number: int,
    *,
    by: Callable[[Key], Any] = lambda key: key,
    until: datetime | None = None,
    **only: Any,
) -> dict[Any, Series]:
    until = until or tallies.now()
    return series(tallies.entries(until - number * span, **only), span, number, by=by, until=until)


def test_a_worker_writes_what_it_has_counted_in_this_minute() -> None:
    tallies.record({ADD: count(3), MAIL: count(1)})
    rows = list(Tally.objects.order_by("succeeded"))
    assert [(row.queue, row.task_path, row.succeeded, row.renewed) for row in rows] == [
        ("mail", MAIL.task_path, 1, 2),
        ("default", ADD.task_path, 3, 6),
    ]
    assert {row.at for row in rows} == {clock(connection).replace(second=0, microsecond=0)}
    assert sum(rows[1].waits) == sum(rows[1].runs) == 3


def test_who_has_counted_nothing_writes_nothing() -> None:
    tallies.record({})
    assert not Tally.objects.exists()


def test_minutes_become_hours_and_hours_days_and_the_sums_stay() -> None:
    for days in (0, 1, 12, 13):
        for minutes in (0, 10, 75):
            for number, key in ((1, ADD), (2, ADD), (5, MAIL)):
                written(number, ago=timedelta(days=days, minutes=minutes), key=key)
    before = whole()
    for _ in range(3):
        tallies.roll_up()
    assert whole() == before
    spans = set(Tally.objects.values_list("span", flat=True))
    assert spans >= {60, 3600, 86400}
    old = Tally.objects.filter(span=86400)
    assert all(row.at == row.at.replace(hour=0, minute=0) for row in old)
    # One row for each key and day.
    assert old.count() == len({(row.at, row.task_path) for row in old})


def test_what_has_not_ended_is_not_merged_into_a_part_of_a_day() -> None:
    written(1, ago=timedelta(days=8, minutes=1))
    for _ in range(3):
        tallies.roll_up()
    row = Tally.objects.get()
    now = clock(connection)
    assert row.span == (86400 if row.at + timedelta(days=1) <= now - timedelta(days=8) else 3600)


def test_a_fresh_row_is_left_alone() -> None:
    written(1, ago=timedelta(0))
    tallies.roll_up()
    assert Tally.objects.get().span == 0


def test_what_is_older_than_a_year_goes() -> None:
    written(1, ago=tallies.KEPT + timedelta(days=1))
    written(2, ago=timedelta(days=1))
    tallies.roll_up()
    assert whole()["succeeded"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_at_once_count_nothing_twice() -> None:
    for minutes in range(5, 25):
        written(1, ago=timedelta(minutes=minutes))
        written(2, ago=timedelta(minutes=minutes))
    before = whole()
    together([tallies.roll_up] * 4)
    tallies.roll_up()
    assert whole() == before


def together(deeds: list[Callable[[], Any]]) -> None:
    """Do all of them at once, each on a connection of its own."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(deeds)) as pool:
        for done in [pool.submit(elsewhere, deed) for deed in deeds]:
            done.result()


class TestSeries:
    def test_it_has_a_number_for_each_span(self) -> None:
        for minutes, number in ((0, 1), (1, 2), (1, 3), (59, 4), (61, 5)):
            written(number, ago=timedelta(minutes=minutes))
        found = lately(MINUTE, 60)[ADD]
        assert len(found.counts) == len(found.moments) == 60
        assert found.values(lambda it: it.succeeded)[-2:] == [5, 1]
        assert found.counts[0].succeeded == 4
        assert found.whole.succeeded == 10
        assert found.whole.ended == 14

    @pytest.mark.parametrize(("span", "number"), [(MINUTE, 90), (HOUR, 30), (DAY, 20)])
    def test_it_says_the_same_before_and_after_a_merge(self, span: timedelta, number: int) -> None:
        now = datetime(2030, 5, 5, 12, 30, tzinfo=UTC)
        for minutes in (1, 10, 80, 60 * 30, 60 * 24 * 12):
            at = (now - timedelta(minutes=minutes)).replace(second=0)
            Tally.objects.create(at=at, span=0, **ADD._asdict(), succeeded=minutes, waits=[minutes], runs=[])
        before = lately(span, number, until=now)[ADD].values(lambda it: (it.succeeded, it.waits[0]))
        assert any(succeeded for succeeded, _ in before)
        merged = {row.pk: row for row in Tally.objects.all()}
        for row in merged.values():
            seconds = int(span.total_seconds())
            begin = int(row.at.timestamp()) // seconds * seconds
            Tally.objects.filter(pk=row.pk).update(at=datetime.fromtimestamp(begin, UTC), span=seconds)
        after = lately(span, number, until=now)[ADD].values(lambda it: (it.succeeded, it.waits[0]))
        assert after == before

    def test_groups_are_apart_and_others_can_be_left_out(self) -> None:
        written(1, ago=timedelta(0))
        written(2, ago=timedelta(0), key=MAIL)
        found = lately(HOUR, 2, by=lambda key: key.queue)
        assert {queue: it.whole.succeeded for queue, it in found.items()} == {"default": 1, "mail": 2}
        assert set(lately(HOUR, 2, by=lambda key: key.queue, queue="mail")) == {"mail"}

    def test_a_row_that_somebody_else_has_written_is_read_as_far_as_it_can_be(self) -> None:
        written(1, ago=timedelta(0))
        Tally.objects.update(waits={"no": "histogram"}, runs=["x", -4, 2, True])
        (found,) = lately(MINUTE, 1).values()
        assert sum(found.whole.waits) == 0
        assert sum(found.whole.runs) == 2
