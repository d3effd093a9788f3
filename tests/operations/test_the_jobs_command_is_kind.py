"""What goes wrong around `manage.py jobs` is told in a line: typing errors, a pipe that is cut, no tables, Ctrl-C."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from jobqueue import operations
from tests import rows
from tests.app import tasks
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def jobs(*words):
    out = StringIO()
    call_command("jobs", *words, stdout=out)
    return out.getvalue().rstrip("\n")


def run(*words, **environment):
    """Run the command as a process of its own, with pipes; return the process."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "jobs", *words],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "JOBQUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list", "--queue", "mial"), "There is no queue 'mial'. Did you mean 'mail'?"),
        (("cancel", "--queue", "mial"), "There is no queue 'mial'. Did you mean 'mail'?"),
        (("retry", "--task", "tests.app.tasks.ecko"), "There is no task 'tests.app.tasks.ecko'. Did you mean"),
        (("retry", "--backend", "plan", "--dry-run"), "There is no backend 'plan'. Did you mean 'plain'?"),
    ],
)
def test_a_typing_error_by_which_nothing_is_found_is_told(words, why):
    assert why in jobs(*words)


def test_what_is_typed_rightly_is_not_doubted():
    assert jobs("list", "--queue", "mail") == "No jobs match."
    assert jobs("cancel", "--task", tasks.echo.module_path) == "0 jobs were cancelled."
    rows.enqueue(queue_name="mail")
    assert jobs("cancel", "--queue", "mail") == "1 job was cancelled."


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list", "--limit", "0"), "0 is no whole number, 1 or more"),
        (("list", "--limit", "x"), "x is no whole number"),
        (("prune", "--days", "x"), "x is no number of days"),
        (("prune", "--days", "nan"), "nan is no number of days"),
        (("pause", "shop.tasks.charge"), "No worker has told of any task yet"),
        (("pause", "--queue", "mail", "--backend", "plan"), r"is no JobQueueBackend\. Did you mean 'plain'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(words, why):
    with pytest.raises(CommandError, match=why):
        jobs(*words)


def test_whoever_reads_may_stop_reading():
    for _ in range(300):
        rows.enqueue()
    process = run("list", "--limit", "300")
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_terminal_that_lacks_a_sign_is_shown_what_it_is():
    process = run("doctor", PYTHONIOENCODING="ascii")
    out, errors = process.communicate(timeout=60)
    assert b"\\u2192" in out
    assert errors == b""


@pytest.mark.parametrize(("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_heeded(monkeypatch, environment, colours):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("django.core.management.color.supports_color", lambda: True)
    seen = []
    monkeypatch.setattr("jobqueue.management.commands.jobs.BaseCommand.execute", lambda self, **o: seen.append(o))
    call_command("jobs", "status")
    assert bool(seen[0]["no_color"]) is not colours


def test_an_interruption_ends_it_with_a_word(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(operations, "cancel", interrupted)
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("jobs", "cancel", "--all", stderr=errors)
    assert ended.value.code == 130
    assert "stays done" in errors.getvalue()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no such table: jobqueue_job", "has `migrate` been run"),
        ("refused\n\tIs it running?", "does not answer: refused Is it running"),
    ],
)
def test_an_error_of_the_database_says_what_to_do_on_one_line(monkeypatch, said, told):
    def fail():
        raise OperationalError(said)

    monkeypatch.setattr("jobqueue.management.telling.status", fail)
    with pytest.raises(CommandError, match=told) as error:
        jobs("status")
    assert "\n" not in str(error.value)
