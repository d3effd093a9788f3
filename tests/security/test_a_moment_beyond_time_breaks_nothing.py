"""Moments that Python cannot hold, or only just: no page, no look of a worker and no command fails of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from jobqueue import lifecycle, results
from jobqueue.models import Attempt, Job, Worker
from jobqueue.worker.messages import How
from tests import rows
from tests.admin.conftest import make_attempt, make_job, make_worker, page_of
from tests.app.tasks import echo
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Stage
from tests.security.hostile import fill
from tests.security.test_no_page_is_more_than_text import LISTS

FIRST, LAST = "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"
ODD = {
    "postgresql": ["infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59+00"],
    "mysql": [FIRST, LAST],
    "sqlite": [FIRST, LAST],
}[connection.vendor]
ROOMS = ["admin:jobqueue_job_failures", "admin:jobqueue_job_plots"]


def set_moments(model: Any, moment: str, *but: str, where: str = "1 = 1") -> None:
    """Write a moment into every column of a table that holds one."""
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if isinstance(field, models.DateTimeField) and field.name not in but
    ]
    if columns:
        with connection.cursor() as cursor:
            assignments = ", ".join(f"{column} = %s" for column in columns)
            cursor.execute(f"UPDATE {model._meta.db_table} SET {assignments} WHERE {where}", [moment] * len(columns))


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ODD)
def test_every_page_is_shown(admin_client: Client, moment: str) -> None:
    shown = fill()
    make_worker()
    for status in ("READY", "RUNNING", "SUCCESSFUL", "FAILED"):
        job = make_job(status)
        make_attempt(job, renewals=3)
        shown.append(job)
    shown += [make_job(gate="limit", limit_key="k"), make_job(gate="after")]
    for model in apps.get_app_config("jobqueue").get_models():
        set_moments(model, moment)
    overview = reverse("admin:app_list", args=["jobqueue"])
    for address in [overview, *map(reverse, LISTS), *map(reverse, ROOMS), *map(page_of, shown)]:
        assert admin_client.get(address).status_code == 200, address


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ODD)
def test_commands_tell_of_them(moment: str, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job("FAILED")
    make_attempt(job)
    make_job()
    make_worker()
    for model in (Job, Attempt, Worker):
        set_moments(model, moment)
    for arguments in (["status"], ["list"], ["show", str(job.pk)]):
        call_command("jobs", *arguments)
        assert capsys.readouterr().out
    assert results.get(str(job.pk)).status == "FAILED"


@pytest.mark.parametrize("moment", ODD)
def test_a_worker_takes_the_others(stage: Stage, moment: str) -> None:
    odd, good = stage.enqueue(echo, "odd"), stage.enqueue(echo, "good")
    later = stage.enqueue(echo.using(run_after=datetime.now(UTC) + timedelta(hours=1)), "later")
    set_moments(Job, moment, where="CAST(arguments AS CHAR(100)) LIKE '%%odd%%'")
    assert (lifecycle.next_due("default", ["default"]) or 0) > 3000 or moment.startswith(("-", "0"))

    claims = rows.claim("w-1", limit=10)

    told = {str(claim.job_id): stage.run(claim) for claim in claims}
    assert told[good.id].how in (How.VALUE, How.SETTLED)
    assert set(told) <= {odd.id, good.id}
    assert later.id not in told


@pytest.mark.parametrize("moment", ODD)
def test_the_jobs_of_the_dead_are_found(stage: Stage, moment: str) -> None:
    rows.worker("dead", beat_ago=600)
    rows.worker("odd")
    set_moments(Worker, moment, "stopped_at", where="id = 'odd'")
    job_id = rows.enqueue()
    (claim,) = rows.claim("dead")
    assert [orphan.fence for orphan in lifecycle.orphans("default")] == [claim.fence]
    assert claim.job_id == job_id
