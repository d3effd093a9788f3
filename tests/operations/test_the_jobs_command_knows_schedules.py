"""`manage.py jobs schedules`: listed with their next times, run now, paused and resumed; for people and scripts."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobqueue import schedules
from jobqueue.models import Job, Schedule
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(*words):
    out = StringIO()
    call_command("jobs", "schedules", *words, stdout=out)
    return out.getvalue().rstrip("\n")


def told(*words):
    return json.loads(jobs(*words, "--json"))


def test_they_are_listed_with_the_next_times_of_their_own_zone():
    assert jobs() == "No schedules."
    rows.schedule("report", tasks.echo, "a", cron="30 3 * * *", time_zone="America/New_York")
    rows.schedule("often", tasks.echo, "a", every=90)
    often, report = told()
    assert (report["name"], report["when"], report["time_zone"]) == ("report", "30 3 * * *", "America/New_York")
    moments = [datetime.fromisoformat(moment) for moment in report["next"]]
    assert len(moments) == 5
    assert all((moment.hour, moment.minute) == (3, 30) for moment in moments)
    assert all(moment.utcoffset().total_seconds() in (-4 * 3600, -5 * 3600) for moment in moments)
    assert moments[0] > timezone.now()
    text = jobs()
    assert text.splitlines()[0].split() == ["name", "when", "state", "next", "job"]
    assert "every 90 s" in text
    assert "03:30:00 America/New_York" in text
    assert f"{tasks.echo.module_path}('a')" in text
    assert [it["name"] for it in told("list", "often")] == ["often"]
    assert often["last_job"] is None


def test_their_state_is_told():
    for name in ("paused", "broken", "gone", "on"):
        rows.schedule(name)
    schedules.pause("paused")
    schedules.find_fault(schedules.find("broken").pk, "No task …")
    Schedule.objects.filter(name="gone").update(declared=True)
    lines = {line.split()[0]: line for line in jobs().splitlines()[1:]}
    for name, state in (
        ("paused", " paused "),
        ("broken", " FAULT "),
        ("gone", " declared no longer "),
        ("on", " on "),
    ):
        assert state in lines[name]
    assert {it["name"]: it["fault"] for it in told()}["broken"] == "No task …"


def test_what_is_sensitive_is_not_shown():
    rows.schedule("report", tasks.echo, {"api_token": "hunter2-hunter2"})
    assert "hunter2" not in jobs() + json.dumps(told())


def test_one_is_run_now():
    rows.schedule("report")
    job_id = told("run", "report")["run"]["report"]
    assert str(Job.objects.get().pk) == job_id
    assert "report is run: job " in jobs("run", "report")


def test_they_are_paused_and_resumed():
    rows.schedule("a")
    rows.schedule("b")
    assert jobs("pause", "a", "b") == "a is paused.\nb is paused."
    assert list(Schedule.objects.values_list("paused", flat=True)) == [True, True]
    assert told("resume", "a") == {"resumed": ["a"]}
    assert [it["paused"] for it in told()] == [False, True]


@pytest.mark.parametrize("deed", ["run", "pause", "resume", "list"])
def test_a_name_that_is_none_is_a_mistake_and_nothing_is_done(deed):
    rows.schedule("report")
    with pytest.raises(CommandError, match=r"no schedule 'rebort'\. Did you mean 'report'") as error:
        jobs(deed, "report", "rebort")
    assert error.value.returncode == 2
    assert not Job.objects.exists()
    assert not Schedule.objects.get().paused


def test_no_name_is_a_mistake():
    with pytest.raises(CommandError, match="Name the schedules to pause") as error:
        jobs("pause")
    assert error.value.returncode == 2


def test_what_cannot_be_run_says_why():
    rows.schedule("report")
    Schedule.objects.update(task_path="gone.tasks.report")
    with pytest.raises(CommandError, match="report cannot be run: No task"):
        jobs("run", "report")
