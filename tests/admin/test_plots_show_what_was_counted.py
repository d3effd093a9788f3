"""Plots by minute, hour and day; each is a picture, and a table that says the same."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localtime

from jobqueue import tallies
from jobqueue.admin.charts import HEIGHT, Line, bars, curves
from jobqueue.models import Tally
from jobqueue.tallies import Count, Key
from tests.app import tasks

pytestmark = pytest.mark.usefixtures("nothing_counted")
PLOTS = "admin:jobqueue_job_plots"


def counted(*, ago=timedelta(0), queue="default", **numbers):
    count = Count(**numbers)
    for _ in range(count.ended):
        count.waited(0.04)
        count.ran(4)
    tallies.record({Key("default", queue, tasks.echo.module_path): count})
    newest = Tally.objects.latest("id")
    Tally.objects.filter(pk=newest.pk).update(at=newest.at - ago)
    return newest.at - ago


def page(client, **query):
    response = client.get(reverse(PLOTS), query)
    assert response.status_code == 200
    return response


@pytest.mark.django_db
class TestPage:
    @pytest.mark.parametrize(
        ("reach", "ago", "told", "rows"),
        [
            ("hour", timedelta(minutes=7), "%H:%M", 60),
            ("day", timedelta(hours=5), "%d. %H:00", 24),
            ("month", timedelta(days=12), "%Y-%m-%d", 30),
        ],
    )
    def test_it_says_how_many_when(self, admin_client, reach, ago, told, rows):
        at = counted(ago=ago, succeeded=1200, failed=30, raised=4, crashed=1)
        table = page(admin_client, reach=reach).context["table"]
        assert len(table) == rows
        (row,) = [tuple(cell.replace("\xa0", " ") for cell in row) for row in table if row[1] != "0"]
        assert row == (localtime(at).strftime(told), "1,200", "30", "4", "1", "38 ms", "49 ms", "3.8 s", "4.9 s")

    def test_the_span_that_is_under_way_comes_first(self, admin_client):
        counted(succeeded=3)
        assert page(admin_client).context["table"][0][1] == "3"

    def test_a_queue_is_shown_alone(self, admin_client):
        counted(succeeded=3)
        counted(succeeded=4, queue="mail")
        assert page(admin_client).context["table"][0][1] == "7"
        alone = page(admin_client, queue="mail")
        assert alone.context["table"][0][1] == "4"
        chosen = re.findall(r'href="([^"]*)" aria-current="page"', alone.content.decode())
        assert "?reach=hour&amp;queue=mail" in chosen[-1]

    @pytest.mark.parametrize("query", [{}, {"reach": "century"}, {"queue": "a\0b"}, {"queue": "<script>"}])
    def test_where_nothing_was_counted_it_says_so(self, admin_client, query):
        text = page(admin_client, **query).content.decode()
        assert "Nothing was counted in this time." in text
        assert "<script>alert" not in text

    def test_it_asks_little(self, admin_client):
        for minute in range(30):
            counted(ago=timedelta(minutes=minute), succeeded=minute)
        with CaptureQueriesContext(connection) as asked:
            page(admin_client)
        assert len(asked) <= 12


def test_who_may_not_see_jobs_sees_no_plots(staff):
    assert staff("view_worker").get(reverse(PLOTS)).status_code == 403


class TestCharts:
    def paths(self, html):
        return re.findall(r' d="([^"]*)"', html)[1:]

    def test_bars_stand_on_each_other(self):
        html = bars([Line("a", [1, 0, 2], "good"), Line("b", [1, 3, 0], "bad")], "{:g}".format)
        assert ">5</small>" in html
        first, second = self.paths(html)
        ground = f"{HEIGHT:.1f}"
        assert first.count("M") == second.count("M") == 2
        assert all(f" {ground}V" in step for step in first.split("M")[1:])
        assert [f" {ground}V" in step for step in second.split("M")[1:]] == [False, True]

    def test_a_curve_is_broken_where_nothing_is_known(self):
        html = curves([Line("a", [0.5, None, 1.0, 1.0], "busy")], "{:g}".format)
        (path,) = self.paths(html)
        assert path.count("M") == 2
        assert path.count("L") == 1
        assert ">1</small>" in html

    @pytest.mark.parametrize(
        ("most", "mark"), [(0, "1"), (1, "1"), (3, "5"), (7, "10"), (0.03, "0.05"), (1234, "2000")]
    )
    def test_the_axis_ends_at_a_round_number(self, most, mark):
        assert f">{mark}</small>" in bars([Line("a", [most, 0], "good")], "{:g}".format)
