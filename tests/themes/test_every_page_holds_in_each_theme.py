"""The suite in `suite` passes with each theme in the place of Django's own templates.

A theme is an app that comes before Django's admin, which is settled before anything is loaded: each has a run of pytest
of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.browser import looks

pytestmark = looks
ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "tests" / "themes" / "suite"
THEMES = ("unfold", "jazzmin", "grappelli")


@pytest.mark.parametrize("theme", THEMES)
def test_it_passes_with(theme: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--ds=tests.themes.{theme}", str(SUITE)],
        cwd=ROOT,
        # A run of its own, with a database of its own; the Redis may be shared.
        env={name: value for name, value in os.environ.items() if not name.startswith(("JOBQUEUE_", "PYTEST_"))},
        capture_output=True,
        text=True,
    )
    print(f"django-{theme} {version(f'django-{theme}')}\n{run.stdout}")
    assert run.returncode == 0, run.stdout + run.stderr
    if "6 skipped" in run.stdout or " passed" not in run.stdout:
        pytest.skip(run.stdout.strip().splitlines()[-2])
