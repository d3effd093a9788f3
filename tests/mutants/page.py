"""docs/mutants.md, made from the table, so that it says what is so."""

from __future__ import annotations

from tests.mutants.databases import needed
from tests.mutants.mutant import ANY, Killer, Mutant
from tests.mutants.runs import ROOT
from tests.mutants.table import CARDINAL, MUTANTS

FILE = ROOT / "docs" / "mutants.md"

_HEAD = """\
# Mutants

Would the suite notice if a mechanism were missing? Each one below is switched off by a small change of its source, one
at a time, and the tests beside it have to fail for that: in their own body, by an assertion or by the error that is to
be expected, and with the changed source loaded. Those in [tests/aliases/suite](../tests/aliases/suite) have the jobs on
one database of the server and the data on another.

```
make mutants                              all that runs on SQLite, or on the server that DATABASE_URL names
make mutants ARGS="fence epoch"           these two
make mutants ARGS="--strict --postgres postgres://… --mariadb mysql://…"     all of it, as CI does
JOBQUEUE_MUTANT=fence python -m pytest tests/races                           any tests, on a mutant of your choice
JOBQUEUE_MUTANT=post python -m pytest --ds=tests.aliases.settings tests/aliases/suite        with two databases
```

`make mutants` exits with 1 when a mutant survives one of its killers. What is replaced by what stands in
[tests/mutants/table/](../tests/mutants/table/); a quotation that has drifted from the source is an error. This page is
made from that table by `python -m tests.mutants --write`, and a test compares the two.

{count} mutants, {killers} killers. **Bold**: the mechanisms that [guarantees.md](guarantees.md) rests on; each of them
is killed by a race or by real processes, and by a schedule of the simulator.

| mutant | what holds | what is switched off | killed by |
|---|---|---|---|
"""


def render() -> str:
    """Return the page."""
    head = _HEAD.format(count=len(MUTANTS), killers=sum(len(mutant.killers) for mutant in MUTANTS))
    return head + "".join(_row(mutant) for mutant in MUTANTS)


def _row(mutant: Mutant) -> str:
    name = f"**{mutant.name}**" if mutant.name in CARDINAL else mutant.name
    return f"| {name} | {mutant.mechanism} | {mutant.off} | {'<br>'.join(map(_link, mutant.killers))} |\n"


def _link(killer: Killer) -> str:
    file, _, name = killer.test.partition("::")
    words = name.replace("::", ": ").replace("test_", "").replace("_", " ").replace("|", "\\|")
    return f"[{words}](../{file}){'' if killer.on == ANY else f' ({needed(killer.on)})'}"
