"""Every verb, worker, command and page finds the jobs on the alias that the router names, and nowhere else."""

import io
import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.tasks import TaskResultStatus

from jobqueue import operations
from jobqueue.checks import check_servers
from jobqueue.database import alias, choose
from jobqueue.models import Attempt, Job, LedgerEntry, TaskDefinition, Worker
from tests.app.models import Counter
from tests.app.tasks import boom, echo
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("transactional_db")


def elsewhere():
    """Return how many rows of jobqueue are on the alias that is not the jobs'."""
    return sum(model.objects.using("default").count() for model in (Job, Attempt, LedgerEntry, TaskDefinition, Worker))


def said(*arguments, **options):
    out = io.StringIO()
    call_command("jobs", *arguments, stdout=out, **options)
    return out.getvalue()


def test_a_caller_enqueues_there():
    result = echo.using(idempotency_key="k").enqueue(1)
    assert echo.using(idempotency_key="k").enqueue(1).id == result.id
    assert (Job.objects.using("jobs").count(), elsewhere()) == (1, 0)
    result.refresh()
    assert result.status == TaskResultStatus.READY


def test_the_transaction_that_counts_is_that_of_the_jobs_alias():
    with transaction.atomic(using="jobs"):
        echo.enqueue(1)
        transaction.set_rollback(True, using="jobs")
    assert not Job.objects.exists()
    with transaction.atomic(using="default"):
        echo.enqueue(1)
        transaction.set_rollback(True, using="default")
    assert Job.objects.exists()


def test_a_worker_works_there(start_worker, backend_alias):
    jobs = [task.using(backend=backend_alias).enqueue(7) for task in (echo, boom.using(priority=1))]
    worker = start_worker("--backend", backend_alias, "--concurrency", "1", "--no-reload")
    wait_until(lambda: Job.objects.filter(status="SUCCESSFUL").exists(), 30)
    wait_until(lambda: Attempt.objects.filter(job_id=jobs[1].id).exists(), 30)
    operations.cancel(Job.objects.filter(pk=jobs[1].id))
    operations.retry(Job.objects.filter(pk=jobs[1].id))
    wait_until(lambda: Job.objects.get(pk=jobs[1].id).failures, 30)
    worker.terminate()
    assert worker.wait(30) == 0
    assert elsewhere() == 0


def test_a_worker_finds_jobs_on_the_alias_that_it_is_told(start_worker):
    choose("default")
    try:
        result = echo.using(backend="plain").enqueue(7)
        start_worker("--backend", "plain", "--concurrency", "1", "--no-reload", "--database", "default")
        wait_until(lambda: Job.objects.using("default").filter(pk=result.id, status="SUCCESSFUL").exists(), 30)
    finally:
        choose(None)
    assert not Worker.objects.using("jobs").exists()


def test_so_do_the_commands():
    there = echo.enqueue(1)
    choose("default")
    try:
        other = echo.enqueue(2)
    finally:
        choose(None)
    assert json.loads(said("list", "--json"))[0]["id"] == there.id
    assert json.loads(said("list", "--json", "--database", "default"))[0]["id"] == other.id
    assert alias() == "jobs"
    with pytest.raises(CommandError, match=r"DATABASES has no alias 'job'\. Did you mean 'jobs'\?"):
        said("list", "--database", "job")


def test_so_does_the_admin(client):
    client.force_login(User.objects.create_superuser("root"))
    failed = Job.objects.get(pk=echo.enqueue("a value").id)
    Job.objects.update(status="FAILED", outcome="raised")
    assert "a value" in client.get("/admin/jobqueue/job/").text
    page = f"/admin/jobqueue/job/{failed.pk}/change/"
    assert client.get(page).status_code == 200
    pressed = client.post("/admin/jobqueue/job/retry/", {"ids": str(failed.pk), "confirmed": "1"})
    assert pressed.status_code == 302
    failed.refresh_from_db()
    assert failed.status == "READY"
    added = client.post("/admin/jobqueue/pausedqueue/add/", {"name": "mail", "backend": "default"})
    assert added.status_code == 302
    assert "mail" in client.get("/admin/jobqueue/pausedqueue/").text
    assert elsewhere() == 0


class TestChecks:
    def router(self, settings, **answers):
        class Router:
            def db_for_write(self, model, **_):
                return answers.get(model._meta.model_name, answers.get("every"))

            def allow_migrate(self, db, app_label, **_):
                return answers.get("allowed")

        settings.DATABASE_ROUTERS = [Router()]

    def found(self):
        from django.tasks import task_backends

        return [message.id for message in task_backends["default"].check() if message.id.startswith("jobqueue.E")]

    def test_all_is_well(self):
        assert self.found() == []
        assert [m for m in check_servers() if m.id == "jobqueue.E008"] == []

    def test_an_alias_that_is_not_in_databases(self, settings):
        self.router(settings, every="nowhere")
        assert self.found() == ["jobqueue.E005"]

    def test_tables_on_several(self, settings):
        self.router(settings, every="jobs", attempt="default")
        assert self.found() == ["jobqueue.E006"]

    def test_aliases_of_options(self, settings):
        options = {"REDIS": None, "WRITES_TO": "defalt", "UNFENCED_DATABASES": ["logs"]}
        settings.TASKS = {"default": {**settings.TASKS["default"], "OPTIONS": options}}
        assert self.found() == ["jobqueue.E009", "jobqueue.E009"]

    def test_a_ledger_that_may_not_be_made(self, settings):
        class Router:
            def db_for_write(self, model, **_):
                return "jobs"

            def allow_migrate(self, db, app_label, **_):
                return db == "jobs"

        settings.DATABASE_ROUTERS = [Router()]
        options = {"REDIS": None, "WRITES_TO": "default"}
        settings.TASKS = {"default": {**settings.TASKS["default"], "OPTIONS": options}}
        assert self.found() == ["jobqueue.E010"]

    def test_tables_that_may_not_be_made(self, settings):
        self.router(settings, every="jobs", allowed=False)
        assert self.found()[0] == "jobqueue.E007"


def test_a_database_without_the_tables_is_told(monkeypatch):
    from django.db import connections

    monkeypatch.setattr(connections["jobs"].introspection, "table_names", list)
    assert [m.id for m in check_servers()] == ["jobqueue.E008"]


def test_the_data_of_a_project_stay_where_they_are():
    Counter.objects.create(name="here")
    assert not Counter.objects.using("jobs").exists()
