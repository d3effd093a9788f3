"""What a seed does is all there is to repeat: no clock, no thread, no address of an object decides anything."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.draw import random_plan
from tests.simulation.stage import Stage

_SEEDS = (3, 36, 130)
_TELL = """
import sys, zlib, django
django.setup()
from tests.simulation.draw import random_plan
from tests.simulation.stage import stage
with stage() as theatre:
    for seed in sys.argv[1:]:
        print(zlib.crc32(theatre.attempt(random_plan(int(seed)))[0].world.story().encode()))
"""


@pytest.mark.parametrize("seed", _SEEDS)
def test_in_this_process(theatre: Stage, seed: int) -> None:
    first, _ = theatre.attempt(random_plan(seed))
    again, _ = theatre.attempt(random_plan(seed))
    assert first.world.story() == again.world.story()
    assert first.world.steps > 50


def test_in_processes_that_hash_differently() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _TELL, *map(str, _SEEDS)],
            env={**os.environ, "PYTHONHASHSEED": salt, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(told) == 1
    assert len(told.pop().split()) == len(_SEEDS)
