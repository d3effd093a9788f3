"""`schedule()` is a note that is checked where it is made; its errors say what to do."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings

from jobqueue import planning, schedule
from jobqueue.errors import InvalidSchedule
from jobqueue.planning import declare
from tests.app import tasks


@pytest.fixture(autouse=True)
def _nothing_is_declared(monkeypatch):
    monkeypatch.setattr(declare, "_declared", {})


def test_what_is_left_out_is_as_the_settings_and_the_task_say():
    schedule("a", tasks.echo, cron=" 0  3 * * * ", args=[1])
    declared = planning.declared()["a"]
    assert (declared.cron, declared.every, declared.time_zone) == ("0 3 * * *", None, settings.TIME_ZONE)
    assert (declared.queue, declared.priority) == ("", None)
    assert (declared.missed, declared.most, declared.grace) == ("last", 10, 60)
    assert declared.task() == tasks.echo


@pytest.mark.parametrize("every", [300, 300.0, timedelta(minutes=5)])
def test_a_span_is_seconds_or_a_timedelta(every):
    schedule("a", tasks.echo, every=every, args=[1])
    assert planning.declared()["a"].every == 300


def test_the_same_module_may_be_loaded_again_and_another_schedule_needs_another_name():
    for _ in range(2):
        schedule("a", tasks.echo, every=300, args=[(1, 2)])
    with pytest.raises(InvalidSchedule, match="declared twice"):
        schedule("a", tasks.echo, every=600, args=[1])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "Say cron, .* one of them"),
        ({"cron": "0 3 * * *", "every": 5}, "not both"),
        ({"cron": "0 3 * *"}, "Five fields"),
        ({"cron": 5}, "A cron expression is a text"),
        ({"cron": "0 3 * * *", "time_zone": "Europe/Berln"}, "Did you mean 'Europe/Berlin'"),
        ({"cron": "0 3 * * *", "time_zone": 7}, "7 is no time zone"),
        ({"every": 0}, "a whole number of seconds"),
        ({"every": 0.5}, "a whole number of seconds"),
        ({"every": True}, "a whole number of seconds"),
        ({"every": 10**12}, "a whole number of seconds"),
        ({"every": 60, "args": []}, r"do not fit tests\.app\.tasks\.echo\(value\): missing"),
        ({"every": 60, "args": [object()]}, "must be JSON"),
        ({"every": 60, "kwargs": {"valu": 1}, "args": ()}, "missing a required|unexpected keyword"),
        ({"every": 60, "queue": "nowhere"}, "nowhere"),
        ({"every": 60, "priority": 1000}, "priority"),
        ({"every": 60, "missed": "lasst"}, "Did you mean 'last'"),
        ({"every": 60, "most": 0}, "from 1 to 1000"),
        ({"every": 60, "grace": -1}, "grace must be"),
        ({"every": 60, "starts_at": datetime(2026, 1, 1)}, "starts_at must be an aware datetime"),
        ({"every": 60, "ends_at": "tomorrow"}, "ends_at must be an aware datetime"),
        ({"every": 60, "run_after": 5}, r"unknown option 'run_after'\. Known: "),
        ({"every": 60, "gracee": 5}, r"unknown option 'gracee'\. Did you mean 'grace'"),
    ],
)
def test_what_would_never_work_is_an_error(options, why):
    with pytest.raises(InvalidSchedule, match=why):
        schedule("a", tasks.echo, **{"args": [1], **options})
    assert planning.declared() == {}


@pytest.mark.parametrize("name", ["", "a\nb", "a\u202eb", "a" * 201, None])
def test_a_name_that_nobody_can_read_is_one_too(name):
    with pytest.raises(InvalidSchedule, match="A name is 1 to 200 characters"):
        schedule(name, tasks.echo, every=60, args=[1])


def test_a_function_that_is_no_task_is_one_too():
    with pytest.raises(InvalidSchedule, match="declared with @task"):
        schedule("a", len, every=60)
