"""Of the sweeps, two runs each do a half: together all of them, and everything else both."""

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.fixture(scope="module")
def collected():
    """Give `collected(*words)`: the tests that a run with these words would run, some sweeps and others."""

    def collect(*words):
        some = ["tests/crashpoints", "tests/drill", "tests/unit/test_ids.py"]
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *some, *words]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found = [line for line in run.stdout.splitlines() if "::" in line]
        assert len(found) == len(set(found))
        return set(found)

    return collect


def test_together_they_do_all_of_them(collected):
    first, second, whole = collected("--sweep", "1/2"), collected("--sweep", "2/2"), collected()
    assert first | second == whole
    both = first & second
    assert {test.partition("::")[0] for test in both} == {"tests/unit/test_ids.py"}
    assert abs(len(first) - len(second)) <= 1


@pytest.mark.parametrize("share", ["3/2", "0/2", "1", "half"])
def test_what_is_no_share_is_refused(share):
    command = [sys.executable, "-m", "pytest", "--collect-only", "tests/unit/test_ids.py", "--sweep", share]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 4
    assert f"{share} is no part of a whole, such as 1/2" in run.stderr
