"""Runs the few tests that have just failed again, by themselves: those that pass three times are named as flaky.

Two cores run four tests at a time here, and servers, browsers and frozen processes beside them; that a machine was too
slow for one test says nothing of a change. A flaky test is a bug all the same, of the test or of what it tests: CI
names it at its end. Tests that fail again, or more than a few that failed, are what they seem.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 3
TIMES = 3


def main() -> int:
    """Return 0 if all that failed has passed three times."""
    tests = list(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(tests) <= MOST:
        return 1
    for number in range(TIMES):
        print(f"\n── again, alone, {number + 1} of {TIMES}: {', '.join(tests)}", flush=True)
        # The cache is left as it is, or the first run that passes would empty it.
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", *tests]
        if subprocess.run(command, check=False).returncode:  # noqa: S603  (names of tests, by pytest itself)
            return 1
    for test in tests:
        print(f"FLAKY {test}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
