"""Due is due by the database's clock, in UTC, whatever time zone the session or the project is in."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.database import DatabaseNow, moment
from jobqueue.models import Job, Worker
from tests import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def far_away():
    """Set the session of MariaDB to another zone, as on a server that is not in UTC; others convert by themselves."""
    if connection.vendor == "mysql":
        connection.cursor().execute("SET time_zone = '+05:30'")
    yield
    if connection.vendor == "mysql":
        connection.cursor().execute("SET time_zone = SYSTEM")


def test_the_session_s_zone_does_not_move_a_job(far_away):
    job_id = rows.enqueue()
    assert abs(rows.job(job_id).enqueued_at - timezone.now()) < timedelta(seconds=60)
    (claim,) = rows.claim()
    assert abs(claim.started_at - timezone.now()) < timedelta(seconds=60)
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW._replace(retry_in=60)) == "READY"
    assert lifecycle.next_due("default", ["default"]) == pytest.approx(60, abs=5)


def test_the_session_s_zone_kills_no_worker(far_away):
    rows.worker("w-1")
    Worker.objects.update(heartbeat_at=DatabaseNow())
    rows.claimed("w-1")
    assert lifecycle.orphans("default") == []


def test_a_job_is_due_in_the_moment_it_says():
    now = Job.objects.annotate(now=DatabaseNow()).values_list("now", flat=True)
    rows.enqueue()
    due = rows.enqueue(run_after=now.get() - timedelta(milliseconds=2), priority=5)
    rows.enqueue(run_after=now.get(pk=due) + timedelta(seconds=30), priority=6)
    assert rows.claim()[0].job_id == due


@pytest.mark.parametrize("text", ["2026-01-02 03:04:05.678", "2026-01-02 03:04:05.678000"])
def test_a_moment_is_aware_in_whatever_form_it_came(text):
    expected = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert moment(connection, text) == expected
    assert moment(connection, expected.replace(tzinfo=None)) == expected
    assert moment(connection, expected) == expected
    assert moment(connection, None) is None


@pytest.fixture
def still(transactional_db):
    """Have SQLite's clock stand still; on the others every statement has a moment of its own."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    moment = datetime(2026, 1, 1, 12, 0, 0, 123000)

    def strftime(form, _):
        return moment.strftime(form.replace("%f", "%S.123"))

    connection.connection.create_function("STRFTIME", 2, strftime)
    yield
    connection.close()


def test_what_is_due_at_once_is_due_in_the_very_same_moment(still):
    lifecycle.fail(rows.claimed().fence, rows.FAILED_FOR_NOW)
    (claim,) = rows.claim()
    lifecycle.release([claim.fence], started=True)
    assert len(rows.claim()) == 1
