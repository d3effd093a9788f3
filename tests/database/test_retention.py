"""What has finished is kept for as long as its status or its task says, and goes then."""

import math
from datetime import timedelta

import pytest
from django.db import connection
from django.tasks import task
from django.utils import timezone

from jobqueue import lifecycle, retention
from jobqueue.conf import Options
from jobqueue.models import Job
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db


@task(retention_days=30)
def kept_for_a_month():
    raise AssertionError("Nobody calls it.")


@task(retention_days=math.inf)
def kept_for_ever():
    raise AssertionError("Nobody calls it.")


@task(retention_days=0)
def not_kept():
    raise AssertionError("Nobody calls it.")


def finished(days_ago, one=tasks.echo, *, well=True):
    rows.enqueue(one)
    (claim,) = rows.claim(paths=[one.module_path])
    if well:
        lifecycle.succeed(connection, claim.fence, None)
    else:
        lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    Job.objects.filter(pk=claim.job_id).update(finished_at=timezone.now() - timedelta(days=days_ago, seconds=1))
    return claim.job_id


def left(**options):
    before = Job.objects.count()
    rules = retention.rules(Options.read("default", options))
    told = sum(lifecycle.prunable("default", older_than=age, of=of).count() for age, of in rules)
    gone = sum(lifecycle.prune("default", older_than=age, of=of) for age, of in rules)
    assert told == gone == before - Job.objects.count()
    return set(Job.objects.values_list("pk", flat=True))


def test_a_week_is_the_default():
    finished(7), finished(8, well=False)
    young = {finished(6), finished(6, well=False)}
    assert left() == young


def test_each_status_may_have_a_time_of_its_own():
    finished(1), finished(8, well=False)
    kept = {finished(0), finished(6, well=False)}
    assert left(RETENTION_DAYS={"SUCCESSFUL": 1}) == kept
    kept |= {finished(1000, well=False)}
    assert left(RETENTION_DAYS={"SUCCESSFUL": 1, "FAILED": None}) == kept


def test_for_ever_is_for_ever():
    kept = {finished(1000), finished(1000, well=False)}
    assert left(RETENTION_DAYS=None) == kept


def test_a_task_may_have_a_time_of_its_own():
    finished(31, kept_for_a_month), finished(0, not_kept), finished(8)
    kept = {finished(29, kept_for_a_month, well=False), finished(1000, kept_for_ever), finished(6)}
    assert left() == kept
    finished(0, not_kept)
    assert left(RETENTION_DAYS=None) == kept


def test_where_nothing_is_said_one_look_is_enough():
    rules = retention.rules(Options.read("default", {}))
    assert [age.days for age, _ in rules] == [7, 0, 30]
