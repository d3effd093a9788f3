"""What docs/reference.md and docs/doctor.md list is what the code has: no name is missing, and none is made up."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from typing import Any

import pytest
from django.apps import apps
from django.core.management import BaseCommand, load_command_class
from django.tasks import Task

import jobqueue
from jobqueue.conf import Options
from jobqueue.current import CurrentJob
from jobqueue.models import Outcome
from jobqueue.result_types import JobResult
from jobqueue.task import _USING, JobTask
from tests.docs.pages import ROOT, text_of

CODE = "".join(file.read_text() for file in sorted((ROOT / "jobqueue").rglob("*.py")))


def section(heading: str) -> str:
    return text_of("reference").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> dict[str, str]:
    """Return the first column of the table of a section, and the second."""
    return dict(re.findall(r"^\| `([^`|]+)`[^|]*\| ?([^|]*?) *\|", section(heading), re.MULTILINE))


def test_options_and_their_defaults() -> None:
    listed = rows("OPTIONS of a TASKS entry")
    assert set(listed) == {field.name.upper() for field in fields(Options)}
    for field in fields(Options):
        default = ast.literal_eval(listed[field.name.upper()].strip("`"))
        assert default == (list(field.default) if isinstance(field.default, tuple) else field.default), field.name


def test_keywords_of_a_task() -> None:
    own = {field.name for field in fields(JobTask)} - {field.name for field in fields(Task)}
    assert set(rows("@task")) == own - _USING | {"commit_on", "tags"}
    for name in _USING:
        assert re.search(rf"`{name}`|[( ]{name}=", section("@task")), name
    assert all(field.default is not MISSING for field in fields(JobTask) if field.name in own)


def test_what_a_module_imports() -> None:
    for name in jobqueue.__all__:
        assert re.search(rf"\b{name}\b", text_of("reference")), name


def test_what_a_body_may_ask() -> None:
    asked = {name for name in vars(CurrentJob) if not name.startswith("_")} - {"writing_here"}
    for name in asked:
        assert re.search(rf"`\.{name}\b|`{name}\(", section("In a body")), name
    for name in re.findall(r"^\| `\.(\w+)", section("In a body"), re.MULTILINE):
        assert name in asked


def test_what_a_result_may_be_asked() -> None:
    for name in vars(JobResult):
        if not name.startswith("_"):
            assert re.search(rf"result\.{name}\b|`{name}\(\)`", text_of("reference")), name


def flags_of(command: BaseCommand) -> set[str]:
    django_s = {flag for action in BaseCommand().create_parser("", "")._actions for flag in action.option_strings}
    here = {flag for action in command.create_parser("", "")._actions for flag in action.option_strings}
    return here - django_s


def test_flags_of_runworkers() -> None:
    table = section("runworkers").partition("\n\n`--queues 'mail=3")[0]
    listed = set(re.findall(r"`(--[a-z-]+)", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert listed == flags_of(load_command_class("jobqueue", "runworkers"))


def test_verbs_of_jobs() -> None:
    parser = load_command_class("jobqueue", "jobs").create_parser("manage.py", "jobs")
    (verbs,) = (action.choices for action in parser._actions if action.dest == "verb")
    assert set(re.findall(r"^python manage\.py jobs (\w+)", section("jobs"), re.MULTILINE)) == set(verbs) - {"resume"}
    assert "and resume" in section("jobs")


def test_outcomes() -> None:
    for outcome in Outcome.values:
        assert f"`{outcome}`" in section("Outcomes")


def test_checks() -> None:
    assert set(rows("Checks")) == set(re.findall(r'"(jobqueue\.[EW]\d{3})"', CODE))


def test_permissions() -> None:
    models: list[Any] = list(apps.get_app_config("jobqueue").get_models())
    for name in (name for model in models for name, _ in model._meta.permissions):
        assert f"`jobqueue.{name}`" in section("Permissions")


@pytest.mark.parametrize("name", sorted(set(re.findall(r'about="([a-z]+\.[a-z-]+)"', CODE))))
def test_what_the_doctor_looks_at(name: str) -> None:
    first, _, last = name.partition(".")
    assert re.search(rf"`{first}\.(…|{last})`|`\.{last}`", text_of("doctor"))
