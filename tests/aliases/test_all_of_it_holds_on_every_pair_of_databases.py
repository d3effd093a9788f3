"""Jobs on one database and a project's data on another, of the same vendor or of two: the suite beside this file.

DATABASE_URL is one of the two, SQLite the other; OTHER_DATABASE_URL makes two servers of it.
"""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

SUITE = ROOT / "tests" / "aliases" / "suite"
SQLITE = ""
HERE = os.environ.get("DATABASE_URL", SQLITE)
OTHERS = dict.fromkeys([SQLITE, os.environ.get("OTHER_DATABASE_URL", SQLITE)])
PAIRS = dict.fromkeys(pair for other in OTHERS for pair in ((HERE, other), (other, HERE)))
# Each part of a file is a test of its own here, so that several processes share them, and none of them takes too long.
PARTS = {
    "test_a_caller_may_die_or_freeze_anywhere": 5,
    "test_jobs_are_where_the_router_has_them": 2,
    "test_workers_die_and_freeze_while_they_write_there": 4,
}
FILES = [(path, part) for path in sorted(SUITE.glob("test_*.py")) for part in range(PARTS.get(path.stem, 1))]


def vendor(url):
    return url.partition(":")[0] or "sqlite"


@pytest.mark.parametrize(("file", "part"), FILES, ids=lambda value: getattr(value, "stem", None))
@pytest.mark.parametrize(("jobs", "app"), PAIRS, ids=vendor)
def test_it_passes_with_jobs_and_data_on(jobs, app, file, part):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=tests.aliases.settings", str(file)],
        cwd=ROOT,
        # A run of its own, with databases of its own; the Redis may be shared.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("JOBQUEUE_", "PYTEST_"))},
            "JOBQUEUE_JOBS_URL": jobs,
            "JOBQUEUE_APP_URL": app,
            "JOBQUEUE_PART": f"{part}/{PARTS.get(file.stem, 1)}",
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    print(run.stdout)
