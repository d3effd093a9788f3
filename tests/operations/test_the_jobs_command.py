"""`manage.py jobs`: what is asked is answered, for people and scripts; the exit status says whether all was done."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.models import Attempt, Job, PausedQueue, TaskDefinition
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(*words):
    out = StringIO()
    call_command("jobs", *map(str, words), stdout=out)
    return out.getvalue().rstrip("\n")


def told(*words):
    return json.loads(jobs(*words, "--json"))


def refused(*words):
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("jobs", *map(str, words), stdout=out)
    assert ended.value.code == 1
    return out.getvalue()


def failed(task=tasks.echo, *args):
    rows.enqueue(task, *args)
    (claim,) = rows.claim()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return claim.job_id


def test_status_counts_each_queue_and_names_the_workers():
    assert jobs("status") == "No jobs but what succeeded.\n\nNo workers."
    failed()
    rows.claimed()
    rows.enqueue(run_after=timezone.now() + timedelta(hours=1))
    old = rows.enqueue(queue_name="mail")
    Job.objects.filter(pk=old).update(due_at=timezone.now() - timedelta(seconds=90))
    rows.enqueue(after=[old])
    rows.worker("here", lease=60)
    rows.worker("gone", beat_ago=600)
    rows.worker("left", stopped=True)
    found = told("status")
    names = ("ready", "delayed", "running", "failed")
    counts = {it["queue"]: [it[name] for name in names] for it in found["queues"]}
    assert counts == {"default": [0, 1, 1, 1], "mail": [1, 0, 0, 0]}
    nothing = {"limit": 0, "after": 0, "commit": 0}
    assert [it["held_back"] for it in found["queues"]] == [{**nothing, "after": 1}, nothing]
    assert [it["oldest_seconds"] and round(it["oldest_seconds"] / 10) for it in found["queues"]] == [None, 9]
    assert {it["id"]: it["alive"] for it in found["workers"]} == {"here": True, "gone": False}
    text = jobs("status")
    assert text.splitlines()[0].split() == ["queue", "ready", "delayed", "held", "back", "running", "failed", "oldest"]
    assert "1 (after 1)" in text
    assert "gone" in text
    assert "DEAD" in text


def test_a_list_has_what_matches_the_newest_first():
    assert jobs("list") == "No jobs match."
    first, second = failed(tasks.echo, "a"), failed(tasks.add, 1, 2)
    rows.enqueue(tasks.echo, queue_name="mail")
    assert [it["id"] for it in told("list", "--status", "failed")] == [str(second), str(first)]
    assert [it["id"] for it in told("list", "--task", tasks.echo.module_path, "--outcome", "raised")] == [str(first)]
    assert [it["queue"] for it in told("list", "--queue", "mail")] == ["mail"]
    tagged = rows.enqueue(tasks.echo, tags=["eu", "billing"])
    assert [it["id"] for it in told("list", "--tag", "eu")] == [str(tagged)]
    assert told("show", tagged)["tags"] == ["billing", "eu"]
    assert "billing, eu" in jobs("show", tagged)
    assert "No job has the tag 'biling'. Did you mean 'billing'?" in jobs("list", "--tag", "biling")
    assert jobs("list", "--tag", "nothing") == "No jobs match.\nNo job has the tag 'nothing'."
    assert jobs("list", "--tag", "eu", "--status", "failed") == "No jobs match."
    assert jobs("cancel", "--tag", "eu") == "1 job was cancelled."
    assert len(told("list", "--limit", 1)) == 1
    assert f"{tasks.echo.module_path}('a')" in jobs("list", "--status", "failed")


def test_one_is_shown_with_what_went_wrong():
    job_id = failed(tasks.echo, "a")
    text = jobs("show", job_id)
    assert f"{tasks.echo.module_path}('a')" in text
    assert "FAILED (raised)" in text
    assert "ValueError: no" in text
    (attempt,) = told("show", job_id)["attempts"]
    assert (attempt["outcome"], attempt["exception_class"]) == ("raised", "builtins.ValueError")
    with pytest.raises(CommandError, match="There is no job"):
        jobs("show", uuid.uuid4())


def test_what_its_attempts_logged_is_shown_in_order():
    job_id = failed()
    first = Attempt.objects.get(job_id=job_id)
    lifecycle.retry(job_id)
    rows.claim()
    second = rows.job(job_id)
    logs = {first.token: "INFO shop read\nINFO shop \x1b[2Jwrote", second.token: "INFO shop read again"}
    lifecycle.keep_logs({(job_id, token): lines for token, lines in logs.items()})
    found = told("show", job_id)
    assert [attempt["log"] for attempt in found["attempts"]] == [["INFO shop read", "INFO shop \x1b[2Jwrote"]]
    assert found["log"] == ["INFO shop read again"]
    text = jobs("show", job_id)
    assert "  INFO shop \\u001b[2Jwrote\nValueError: no" in text
    assert text.endswith(f"\n\nattempt 2 by {second.worker_id}: RUNNING\n  INFO shop read again")


def test_what_is_sensitive_is_not_shown():
    rows.enqueue(tasks.echo, {"api_token": "hunter2-hunter2"})
    assert "hunter2" not in jobs("list") + json.dumps(told("list"))


def test_failed_jobs_are_retried_by_id_and_by_filter():
    first, second, other = failed(), failed(), failed(tasks.add, 1, 2)
    assert jobs("retry", first) == "1 job was retried."
    assert told("retry", "--task", tasks.echo.module_path, "--dry-run") == {"would_be": "retried", "count": 1}
    assert rows.job(second).status == "FAILED"
    assert told("retry", "--task", tasks.echo.module_path) == {
        "retried": 1, "passed_over": 0, "skipped": [], "let_go": 0, "ended": 0
    }  # fmt: skip
    assert [rows.job(it).status for it in (first, second, other)] == ["READY", "READY", "FAILED"]
    assert jobs("retry", "--all") == "1 job was retried."


def test_what_was_named_and_cannot_be_is_told():
    waiting, unknown = rows.enqueue(), uuid.uuid4()
    text = refused("retry", waiting, unknown)
    assert "0 jobs were retried." in text
    assert f"Job {waiting} is not FAILED" in text
    assert f"Job {unknown} does not exist." in text


def test_nothing_named_is_a_mistake():
    failed()
    with pytest.raises(CommandError, match="by filters; or say --all") as error:
        jobs("retry")
    assert error.value.returncode == 2
    with pytest.raises(CommandError, match="is not the id of a job"):
        jobs("cancel", "x")


def test_jobs_are_cancelled():
    ended = failed()
    running, waiting = rows.claimed().job_id, rows.enqueue()
    assert jobs("cancel", "--queue", "default") == "2 jobs were cancelled."
    assert [rows.job(it).outcome for it in (ended, running, waiting)] == ["raised", "cancelled", "cancelled"]


def test_what_is_let_go_and_what_ends_by_a_cancellation_is_told():
    first, other = rows.enqueue(), rows.enqueue()
    goes_on = rows.enqueue(after=[first], on_failure="run")
    ends = [rows.enqueue(after=[first], on_failure=how) for how in ("cancel", "fail")]
    assert jobs("cancel", first).splitlines() == [
        "1 job was cancelled.",
        "2 jobs that waited have ended, too.",
        "1 job that waited may begin now.",
    ]
    assert [rows.job(it).status for it in (goes_on, *ends)] == ["READY", "FAILED", "FAILED"]
    rows.enqueue(after=[other], on_failure="run")
    assert told("cancel", other) == {"cancelled": 1, "passed_over": 0, "skipped": [], "let_go": 1, "ended": 0}


def test_old_jobs_are_pruned():
    old, young = failed(), failed()
    Job.objects.filter(pk=old).update(finished_at=timezone.now() - timedelta(days=10))
    assert told("prune", "--days", 7, "--dry-run") == {"would_be": "pruned", "count": 1}
    assert jobs("prune", "--days", 7) == "1 job was pruned."
    assert list(Job.objects.values_list("pk", flat=True)) == [young]
    Job.objects.filter(pk=young).update(finished_at=timezone.now() - timedelta(days=8))
    assert told("prune") == {"pruned": 1}
    with pytest.raises(CommandError, match="is no JobQueueBackend"):
        jobs("prune", "--backend", "nobody")
    with pytest.raises(CommandError, match="no number of days"):
        jobs("prune", "--days", "-1")


def test_a_task_is_paused_and_resumed():
    path = tasks.echo.module_path
    TaskDefinition.objects.create(
        path=path, backend="default", queue="default", priority=0, effects="atomic", max_attempts=3,
        synced_at=timezone.now(),
    )  # fmt: skip
    rows.enqueue()
    assert jobs("pause", path) == f"{path} is paused."
    assert rows.claim() == []
    assert told("resume", path) == {"resumed": {"tasks": [path], "queues": []}}
    assert len(rows.claim()) == 1
    with pytest.raises(CommandError, match=r"No worker has told of a task 'tests\.app\.tasks\.ecko'\. Did you mean"):
        jobs("pause", "tests.app.tasks.ecko")


def test_a_queue_is_paused_and_resumed():
    rows.enqueue()
    rows.enqueue(queue_name="mail")
    assert jobs("pause", "--queue", "default") == "Queue default is paused."
    assert rows.claim() == []
    assert len(rows.claim(queue="mail")) == 1
    assert "default (paused)" in jobs("status")
    assert jobs("pause", "--queue", "default") == "Queue default is paused."
    assert jobs("resume", "--queue", "default") == "Queue default is resumed."
    assert len(rows.claim()) == 1
    assert not PausedQueue.objects.exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "Name tasks by their paths, or queues by --queue"),
        (("--queue", "mial"), r"There is no queue 'mial'\. Did you mean 'mail'"),
        (("--queue", "mail", "--backend", "nobody"), "is no JobQueueBackend"),
    ],
)
def test_what_is_not_there_cannot_be_paused(words, why):
    with pytest.raises(CommandError, match=why) as error:
        jobs("pause", *words)
    assert error.value.returncode == 2
    assert not PausedQueue.objects.exists()


def test_what_a_job_waits_for_is_told():
    first = rows.enqueue()
    second = rows.enqueue(after=[first])
    found = told("show", second)
    assert (found["gate"], [it["id"] for it in found["waits_for"]], found["waited_for_by"]) == (
        "after",
        [str(first)],
        [],
    )
    assert [it["id"] for it in told("show", first)["waited_for_by"]] == [str(second)]
    assert "READY (waits for other jobs)" in jobs("show", second)
    assert f"waits for        {first} {tasks.echo.module_path} READY" in jobs("show", second)
    lifecycle.cancel(first)
    lifecycle.follow([first])
    text = jobs("show", second)
    assert "not begun: cancelled" in text
    assert f"Job {first}, for which it waited, is FAILED (cancelled)." in text


def test_jobs_that_wait_for_their_time_are_run_now():
    later = [rows.enqueue(run_after=timezone.now() + timedelta(hours=1)) for _ in range(3)]
    due = rows.enqueue()
    assert jobs("run", "--all", "--dry-run") == "3 jobs would be made due."
    assert jobs("run", later[0]) == "1 job was made due."
    assert told("run", "--queue", "default")["made due"] == 2
    assert not Job.objects.filter(due_at__gt=timezone.now()).exists()
    assert "is due already" in refused("run", due)
    assert "does not exist" in refused("run", uuid.uuid4())
