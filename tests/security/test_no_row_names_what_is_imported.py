"""Paths of tasks and of exceptions come from rows; nothing is imported for that."""

from __future__ import annotations

import sys
import types
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from django.tasks import task_backends
from django.test import Client

from jobqueue import lifecycle, results
from jobqueue.errors import JobCrashed, UnknownTask
from jobqueue.models import Attempt, Job, LedgerEntry, TaskDefinition
from jobqueue.result_types import JobError
from tests.admin.conftest import ago, make_attempt, make_job, make_worker
from tests.app import tasks
from tests.security.test_no_page_is_more_than_text import LISTS, pages
from tests.waiting import wait_until

MODULE = "planted_by_a_row"


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """Give a file that a module on the path writes when it is imported; there must be none in the end."""
    sprung = tmp_path / "sprung"
    (tmp_path / f"{MODULE}.py").write_text(
        f"import pathlib\npathlib.Path({str(sprung)!r}).write_text('x')\n"
        "class Error(Exception): pass\ndef run(*args): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield sprung
    assert not sprung.exists()
    assert MODULE not in sys.modules


def test_the_trap_springs(tmp_path: Path, trap: Path) -> None:
    __import__(MODULE)
    assert trap.read_text() == "x"
    del sys.modules[MODULE]
    trap.unlink()


def plant() -> list[Any]:
    """Return rows that name the module wherever a row has a path or a name."""
    path = f"{MODULE}.run"
    rows: list[Any] = [make_job(status, task=path, backend=backend) for backend in ("default", MODULE)
                       for status in ("READY", "RUNNING", "SUCCESSFUL", "FAILED")]  # fmt: skip
    for row in list(rows):
        make_attempt(row, exception_class=f"{MODULE}.Error", worker_id=MODULE, outcome="raised")
    rows.append(make_worker(MODULE, backend=MODULE))
    known = make_job("FAILED", task=tasks.echo.module_path, arguments={"args": [], "kwargs": {"__class__": path}})
    make_attempt(known, exception_class=f"{MODULE}.Error", outcome="raised")
    definition = TaskDefinition(path=path, priority=0, max_attempts=1, synced_at=ago(1))
    definition.save()
    return [*rows, known, definition]


@pytest.mark.django_db
def test_nothing_in_the_admin_does(trap: Path, admin_client: Client) -> None:
    rows = plant()
    seen = list(pages(admin_client, rows))
    assert sum(MODULE in page for page in seen) > len(LISTS)


@pytest.mark.django_db
def test_nothing_that_reads_or_changes_jobs_does(trap: Path) -> None:
    rows = plant()
    for job in Job.objects.filter(task_path__startswith=MODULE):
        with pytest.raises(UnknownTask):
            results.get(str(job.pk))
        with pytest.raises(UnknownTask):
            task_backends["default"].get_result(str(job.pk))
    lifecycle.retry(rows[3].pk)
    lifecycle.cancel(rows[0].pk)
    kept = {"task_path": f"{MODULE}.run", "arguments": {"args": [], "kwargs": {}}, "enqueued_at": None,
            "first_started_at": None, "started_at": None, "finished_at": None}  # fmt: skip
    pruned = uuid.uuid4()
    LedgerEntry.objects.create(scope="enqueue:x", key="k", job_id=pruned, value=kept, created_at=ago(1))
    with pytest.raises(UnknownTask):
        results.get(str(pruned))


@pytest.mark.django_db
def test_the_class_of_an_error_is_not_imported_but_found_when_it_is_there(
    trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant()
    (error,) = results.get(str(Job.objects.get(task_path=tasks.echo.module_path).pk)).errors
    assert error.exception_class_path == f"{MODULE}.Error"
    with pytest.raises(ImportError, match="import the module where you need the class"):
        _ = error.exception_class

    loaded = types.ModuleType(MODULE)
    loaded.Error = type("Error", (Exception,), {})  # type: ignore[attr-defined]
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, MODULE, loaded)
        assert error.exception_class is loaded.Error  # type: ignore[attr-defined]


def asks(name: str) -> Any:
    raise AssertionError(f"It was asked for {name}: a module may import what it likes to answer.")


def test_a_module_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = types.ModuleType("lazy_module")
    lazy.__getattr__ = asks  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "lazy_module", lazy)
    with pytest.raises(ImportError):
        _ = JobError(exception_class_path="lazy_module.Error", traceback="").exception_class


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("builtins.ValueError", ValueError),
        ("jobqueue.errors.JobCrashed", JobCrashed),
        ("jobqueue.errors.Gone", ImportError),
        ("builtins.print", ImportError),
        ("builtins.dict", ValueError),
        ("os.environ", ImportError),
        ("ValueError", ImportError),
        ("", ImportError),
        ("...", ImportError),
        ("jobqueue", ImportError),
        ("builtins.ValueError.__class__.__base__", ImportError),
        ("tests.x.test.<locals>.Error", ImportError),
        ("\u202e\x00", ImportError),
    ],
)
def test_what_a_path_leads_to(path: str, found: Any) -> None:
    error = JobError(exception_class_path=path, traceback="")
    if found in (ImportError, ValueError) and path != "builtins.ValueError":
        with pytest.raises(found):
            _ = error.exception_class
    else:
        assert error.exception_class is found


@pytest.mark.django_db(transaction=True)
def test_a_worker_leaves_such_jobs_to_those_that_know_their_task(trap: Path, start_worker: Any) -> None:
    plant()
    Attempt.objects.all().delete()
    before = list(Job.objects.filter(status="READY").values())
    good = tasks.echo.enqueue(1)
    worker = start_worker("--concurrency", "1", "--burst", "--no-reload")
    wait_until(lambda: Job.objects.get(pk=good.id).status == "SUCCESSFUL", 60)
    assert worker.wait(30) == 0
    assert list(Job.objects.filter(status="READY", pk__in=[row["id"] for row in before]).values()) == before
