"""A row of a schedule: it is checked, edited, paused, run by hand, and brought in line with what the code declares."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.tasks import task
from django.utils import timezone

from jobqueue import schedule, schedules
from jobqueue.errors import InvalidSchedule, UnknownSchedule
from jobqueue.models import Job, LedgerEntry, Schedule
from jobqueue.planning import declare
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)


@task(takes_context=True)
def with_context(context, day):
    pass


@pytest.fixture(autouse=True)
def _nothing_is_declared(monkeypatch):
    monkeypatch.setattr(declare, "_declared", {})


class TestEditing:
    def test_a_new_one_begins_now_and_ticks_for_the_first_time_after_its_period(self):
        made = rows.schedule(every=60)
        assert abs((timezone.now() - made.starts_at).total_seconds()) < 5
        assert made.next_at == made.starts_at + timedelta(seconds=60)

    def test_one_that_starts_later_ticks_then(self):
        start = timezone.now() + timedelta(days=2)
        assert rows.schedule(every=60, starts_at=start).next_at == start

    def test_another_rhythm_counts_from_now(self):
        made = rows.schedule(late=5)
        made.cron, made.every = "0 3 * * *", None
        made.save()
        assert made.next_at > timezone.now()
        assert Schedule.objects.get().next_at == made.next_at

    def test_anything_else_leaves_the_next_tick_as_it_is(self):
        made = rows.schedule(late=5)
        schedules.find_fault(made.pk, "so")
        made.priority = 3
        made.save()
        after = Schedule.objects.get()
        assert (after.priority, after.next_at, after.fault) == (3, made.next_at, "")

    def test_what_a_tick_wrote_meanwhile_is_not_written_back(self):
        made = rows.schedule(late=5)
        opened = Schedule.objects.get()
        schedules.tick(made.pk)
        schedules.pause("nightly")
        opened.priority = 3
        opened.save()
        after = Schedule.objects.get()
        assert after.next_at > timezone.now()
        assert after.paused
        assert after.last_job_id == Job.objects.get().pk

    @pytest.mark.parametrize(
        ("columns", "field", "why"),
        [
            ({"every": None}, "cron", "one of them"),
            ({"cron": "* * * * *"}, "cron", "not both"),
            ({"cron": "every day", "every": None}, "cron", "Five fields"),
            ({"cron": "* * * * *", "every": None, "time_zone": "Berlin"}, "time_zone", "Use an IANA name|Did you mean"),
            ({"task_path": "tests.app.tasks.gone"}, "task_path", "No task"),
            ({"arguments": {"args": [], "kwargs": {}}}, "arguments", r"do not fit .*echo\(value\)"),
            ({"arguments": {"args": [1], "kwargs": {"other": 1}}}, "arguments", "unexpected keyword"),
            ({"arguments": [1]}, "arguments", "must be"),
            ({"queue": "nowhere"}, "queue", "nowhere"),
            ({"every": 0}, "every", "whole number"),
            ({"most": 0}, "most", "1 to 1000|greater than or equal"),
            ({"missed": "some"}, "missed", "not a valid choice|unknown"),
            ({"name": "a\u202eb"}, "name", "can be seen"),
            (
                {"ends_at": timezone.now() - timedelta(days=9), "starts_at": timezone.now()},
                "ends_at",
                "before it starts",
            ),
        ],
    )
    def test_what_would_never_work_is_refused_where_it_is_said(self, columns, field, why):
        values = {
            "name": "n",
            "task_path": tasks.echo.module_path,
            "arguments": {"args": [1], "kwargs": {}},
            "every": 60,
        }
        with pytest.raises(ValidationError) as refused:
            Schedule(**{**values, **columns}).full_clean()
        assert set(refused.value.message_dict) == {field}
        text = " ".join(refused.value.message_dict[field])
        assert re.search(why, text), text

    def test_what_works_is_taken_and_a_context_is_not_an_argument(self):
        for path, args in ((tasks.echo.module_path, [1]), (with_context.module_path, ["monday"])):
            one = Schedule(name="n", task_path=path, arguments={"args": args, "kwargs": {}}, cron=" 0  3 * * * ")
            one.full_clean()
            assert one.cron == "0 3 * * *"


class TestPausing:
    def test_what_is_missed_meanwhile_is_not_made_up_for(self):
        made = rows.schedule(late=5)
        assert schedules.pause("nightly")
        assert not schedules.pause("nightly")
        assert schedules.outlook() == schedules.Outlook(0, None)
        assert schedules.resume("nightly")
        assert not schedules.resume("nightly")
        assert Schedule.objects.get().next_at == made.next_at + timedelta(hours=1)
        assert schedules.tick(made.pk) is None

    def test_an_unknown_name_is_answered_with_one_that_is_close(self):
        rows.schedule()
        for verb in (schedules.pause, schedules.resume, schedules.run_now):
            with pytest.raises(UnknownSchedule, match=r"no schedule 'nigthly'\. Did you mean 'nightly'"):
                verb("nigthly")


def test_a_new_rhythm_is_not_silenced_by_a_clock_that_was_ahead():
    made = rows.schedule(every=60)
    ahead = timezone.now() + timedelta(days=3)
    Schedule.objects.update(last_tick_at=ahead)
    made.refresh_from_db()
    made.arguments = {"args": ["other"], "kwargs": {}}
    made.save()
    assert Schedule.objects.get().last_tick_at == ahead
    made.every = 1
    made.save()
    assert Schedule.objects.get().last_tick_at <= timezone.now() + timedelta(seconds=1)


class TestRunNow:
    def test_it_enqueues_at_once_and_disturbs_no_tick(self):
        made = rows.schedule("nightly", tasks.echo, "a", queue="mail")
        schedules.pause("nightly")
        result = schedules.run_now("nightly")
        job = Job.objects.get()
        assert (str(job.pk), job.arguments["args"], job.queue) == (result.id, ["a"], "mail")
        after = Schedule.objects.get()
        assert (after.next_at, after.last_tick_at, after.last_job_id) == (made.next_at, None, job.pk)
        assert not LedgerEntry.objects.exists()

    def test_what_cannot_be_done_says_why(self):
        rows.schedule()
        Schedule.objects.update(task_path="gone.tasks.report")
        with pytest.raises(InvalidSchedule, match="No task"):
            schedules.run_now("nightly")


class TestDeclarations:
    def published(self):
        schedules.publish_declared()
        return Schedule.objects.get()

    def test_a_declaration_becomes_a_row_once(self):
        schedule("report", tasks.echo, cron="0 3 * * *", time_zone="Europe/Berlin", args=[1], queue="mail", priority=2)
        first = self.published()
        assert (first.cron, first.time_zone, first.queue, first.priority) == ("0 3 * * *", "Europe/Berlin", "mail", 2)
        assert (first.arguments, first.declared) == ({"args": [1], "kwargs": {}}, True)
        assert first.next_at > timezone.now()
        assert self.published().pk == first.pk

    def test_a_restart_leaves_alone_what_is_due_and_what_is_paused(self):
        schedule("report", tasks.echo, every=timedelta(minutes=5), args=[1])
        first = self.published()
        missed = first.next_at - timedelta(hours=1)
        Schedule.objects.update(next_at=missed)
        schedules.pause("report")
        after = self.published()
        assert (after.next_at, after.paused, after.starts_at) == (missed, True, first.starts_at)

    def test_what_the_code_changes_is_changed_and_a_pause_survives(self, monkeypatch):
        schedule("report", tasks.echo, every=300, args=[1])
        first = self.published()
        schedules.pause("report")
        monkeypatch.setattr(declare, "_declared", {})
        schedule("report", tasks.echo, cron="0 3 * * *", args=[2])
        after = self.published()
        assert (after.pk, after.cron, after.every, after.arguments["args"]) == (first.pk, "0 3 * * *", None, [2])
        assert after.paused

    def test_a_row_made_by_hand_becomes_the_codes(self, caplog):
        rows.schedule("report")
        schedule("report", tasks.echo, every=60, args=[1])
        assert self.published().declared
        assert "Schedule report was made by hand" in caplog.text

    def test_what_is_declared_no_longer_does_not_tick(self, monkeypatch):
        schedule("report", tasks.echo, every=300, args=[1])
        made = self.published()
        Schedule.objects.update(next_at=made.next_at - timedelta(hours=1))
        assert [one.pk for one in schedules.due()] == [made.pk]
        monkeypatch.setattr(declare, "_declared", {})
        assert schedules.due() == []
