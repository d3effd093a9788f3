"""A mutant proves something while it is what the table says: a change of code that is there, killed by real tests."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from django.db import connection

from tests.mutants import page
from tests.mutants.hook import MUTANT
from tests.mutants.mutant import Drifted, Piece
from tests.mutants.runs import ROOT
from tests.mutants.table import CARDINAL, MUTANTS, find

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
KILLERS = [killer for mutant in MUTANTS for killer in mutant.killers]


@pytest.mark.parametrize("name", BY_NAME)
def test_what_it_replaces_is_there_once_and_what_comes_instead_can_be_loaded(name):
    mutant = BY_NAME[name]
    for file in mutant.files:
        source = (ROOT / "jobqueue" / file).read_text()
        for piece in mutant.pieces:
            if piece.file == file:
                source = piece.put_into(source)
        if file.endswith(".py"):
            compile(source, file, "exec")


@pytest.mark.parametrize("source", ["no", "now and now"])
def test_a_piece_that_is_not_there_once_has_drifted(source):
    with pytest.raises(Drifted, match=r"jobqueue/a\.py .* [02] times instead of once"):
        Piece("a.py", "now", "never").put_into(source)


def test_every_name_is_one_mutant_that_somebody_kills():
    assert [name for name, times in Counter(mutant.name for mutant in MUTANTS).items() if times > 1] == []
    assert [mutant.name for mutant in MUTANTS if not mutant.killers] == []


@pytest.mark.parametrize("settings", sorted({killer.settings for killer in KILLERS}))
def test_every_killer_is_a_test(settings):
    fitting = {killer.test for killer in KILLERS if connection.vendor in killer.on and killer.settings == settings}
    command = [sys.executable, "-m", "pytest", f"--ds={settings}", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--collect-only", "-q", *fitting],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    collected = {line for line in done.stdout.splitlines() if "::" in line}
    assert (fitting - collected, collected - fitting, done.returncode) == (set(), set(), 0), done.stdout[-2000:]


@pytest.mark.parametrize("name", CARDINAL)
def test_what_the_guarantees_rest_on_is_killed_in_the_simulator_and_by_a_race_or_real_processes(name):
    killers = find(name).killers
    assert any(killer.is_simulation for killer in killers)
    assert any(killer.is_race_or_process for killer in killers)


def test_the_page_says_what_the_table_says():
    assert page.FILE.read_text() == page.render(), "Run `python -m tests.mutants --write`."


class TestTheHook:
    def load(self, name, code):
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, MUTANT: name},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_it_loads_changed_modules(self):
        code = "import tests.settings; from jobqueue.worker.trust import Trust; print(Trust.overdue(None))"
        done = self.load("owner-stops-first", code)
        assert (done.stdout, done.returncode) == ("-1.0\n", 0), done.stderr

    def test_it_loads_changed_scripts(self):
        code = (
            "import tests.settings; from django.conf import settings; settings.configure(); "
            "from jobqueue.leases.scripts import script; print('local answer = {1}' in script('witness').source)"
        )
        done = self.load("epoch", code)
        assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr

    def test_it_refuses_to_come_too_late(self):
        done = self.load("owner-stops-first", "import jobqueue.worker.trust, tests.settings")
        assert "Too late for the mutant 'owner-stops-first': jobqueue.worker.trust is loaded already." in done.stderr

    def test_it_knows_no_other_names(self):
        assert "Did you mean 'fence'?" in self.load("fense", "import tests.settings").stderr
