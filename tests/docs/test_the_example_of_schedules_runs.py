"""What docs/schedules.md shows can be pasted into a module of tasks."""

import re

import pytest

from jobqueue import schedules, task
from jobqueue.models import Schedule
from jobqueue.planning import declare
from tests.processes import ROOT


@pytest.mark.django_db(transaction=True)
def test_the_example_declares_two_schedules_that_workers_take_up(monkeypatch):
    monkeypatch.setattr(declare, "_declared", {})
    monkeypatch.setattr(task, "_registry", dict(task._registry))
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "schedules.md").read_text(), re.DOTALL)
    exec(example, {"__name__": "shop.tasks"})
    schedules.publish_declared()
    assert {row.name: row.rhythm for row in Schedule.objects.all()} == {
        "nightly report": "30 3 * * *",
        "refresh rates": "every 300 s",
    }
