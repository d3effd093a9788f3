"""The whole of the soak on bodies that write as they do in most queues: what it is there to see, it sees."""

import json
import shutil
import subprocess
import sys

import pytest
from django.db import connection

from tests.processes import ROOT

SECONDS = 150


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="It is about the soak, which brings its own database: once is enough."
)
def test_killed_executors_leave_effects_behind_that_are_done_again(tmp_path):
    found = tmp_path / "found.json"
    options = ["--unfenced", "--databases", "sqlite", "--seconds", "10", "--faults", "all executors killed"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *options, "--seed", "1", "--json", str(found)],
        cwd=ROOT, timeout=SECONDS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    (chapter,) = json.loads(found.read_text())["chapters"]
    assert chapter["faults"]["all executors killed"] >= 2
    assert any(text.startswith("duplicated: ") for text in chapter["wrong"]), done.stdout
    assert not any(text.startswith("lost: It") for text in chapter["wrong"]), done.stdout
    shutil.rmtree(chapter["kept"])
