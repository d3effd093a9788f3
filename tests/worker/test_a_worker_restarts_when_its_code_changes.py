"""--reload: as runserver does, for whoever develops."""

import os
import textwrap

import pytest

from jobqueue.models import Job, Worker
from tests.app.tasks import echo
from tests.processes import ROOT
from tests.waiting import wait_until

SOON = 60.0


@pytest.fixture
def project(tmp_path):
    """Give a directory with an app, and the environment in which a worker finds it."""
    app = tmp_path / "project" / "changing"
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (tmp_path / "project" / "changing_settings.py").write_text(
        textwrap.dedent("""
            from tests.settings import *

            INSTALLED_APPS = [*INSTALLED_APPS, "changing"]
            LOGGING["loggers"]["django.utils.autoreload"] = {"handlers": ["console"], "level": "DEBUG"}
        """)
    )
    return tmp_path / "project"


def write(project, version):
    (project / "changing" / "tasks.py").write_text(
        textwrap.dedent(f"""
            from django.tasks import task

            @task
            def version():
                return {version}
        """)
    )


def run_version():
    result = echo.enqueue(0)
    Job.objects.filter(pk=result.id).update(task_path="changing.tasks.version", arguments={"args": [], "kwargs": {}})
    return wait_until(lambda: Job.objects.filter(pk=result.id, status="SUCCESSFUL").first(), SOON).result


def test_it_runs_the_new_code_and_ends_when_told(start_worker, project):
    write(project, 1)
    worker = start_worker(
        "--reload",
        "--concurrency",
        "1",
        env={
            "DJANGO_SETTINGS_MODULE": "changing_settings",
            "PYTHONPATH": os.pathsep.join([str(project), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert run_version() == 1
    first = Worker.objects.get()

    # What changes before Django's reloader has looked is no change to it, and a worker starts faster than that.
    worker.wait_output("changing/tasks.py first seen", SOON)
    write(project, 2)
    os.utime(project / "changing" / "tasks.py", (2_000_000_000, 2_000_000_000))
    wait_until(lambda: Worker.objects.filter(stopped_at=None).exclude(pk=first.pk).exists(), SOON)
    assert run_version() == 2
    first.refresh_from_db()
    assert first.stopped_at is not None

    worker.terminate()
    assert worker.wait(SOON) == 0
    assert not Worker.objects.filter(stopped_at=None).exists()
