"""What failed in CI is run again alone: what passes three times then is named, and anything else is a failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AGAIN = Path(__file__).resolve().parents[2] / ".ci" / "again.py"
# Fails in as many runs as the file says, and counts itself down.
SUITE = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    left = Path("left-%s" % number)
    count = int(left.read_text()) if left.exists() else {fails}
    left.write_text(str(count - 1))
    assert count <= 0
"""


@pytest.mark.parametrize(
    ("tests", "fails", "code", "runs"),
    [
        pytest.param(1, 1, 0, 3, id="it passes from then on"),
        pytest.param(1, 2, 1, 1, id="it fails again"),
        pytest.param(4, 1, 1, 0, id="too many have failed"),
        pytest.param(1, 0, 1, 0, id="none has failed, so something else was wrong"),
    ],
)
def test_again(tmp_path: Path, tests: int, fails: int, code: int, runs: int) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "test_suite.py").write_text(SUITE.format(tests=tests, fails=fails))
    subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, check=False, capture_output=True)
    again = subprocess.run([sys.executable, str(AGAIN)], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert again.returncode == code
    assert again.stdout.count("again, alone") == runs
    assert ("FLAKY test_suite.py::test_it[0]" in again.stdout) == (code == 0)
