"""What the page on limits shows can be declared and enqueued as it stands there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from jobqueue import limits
from jobqueue import task as task_module
from jobqueue.models import Job

PAGE = Path(__file__).resolve().parents[2] / "docs" / "limits.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the first example as a module; what it declares is forgotten with the test."""
    monkeypatch.setattr(task_module, "_registry", {})
    module = ModuleType("example_of_limits")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (source, *_) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(source, module.__dict__)
    return module


@pytest.mark.django_db
def test_the_examples_run(example: ModuleType) -> None:
    calls = [
        (example.rebuild_index, [], "example_of_limits.rebuild_index"),
        (example.import_orders, [7, "https://example.org"], "example_of_limits.import_orders:customer 7"),
        (example.print_label, [1], ":label printer"),
        (example.print_invoice, [1], ":label printer"),
        (example.send, [1], ":queue mail"),
        (example.call_api, ["orders"], "example_of_limits.call_api"),
        (example.sync, ["acme"], "example_of_limits.sync:account acme"),
    ]
    for task, args, key in calls:
        assert Job.objects.get(pk=task.enqueue(*args).id).limit_key == key
    policies = limits.Policies(task for task, _, _ in calls)
    assert str(policies.of("example_of_limits.call_api")) == "4 at once, 100 in 60 s"
    assert policies.of("example_of_limits.sync:account acme").rate.interval == 2_000_000
