"""Mutants and their killers, as values."""

from __future__ import annotations

from dataclasses import dataclass

ANY = ("sqlite", "postgresql", "mysql")
SERVER = ("postgresql", "mysql")
SQLITE = ("sqlite",)
POSTGRESQL = ("postgresql",)
MYSQL = ("mysql",)


class Drifted(Exception):
    """The source has changed and the piece that a mutant replaces is not there any more, or there twice."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the source of a file below ``jobqueue/``, and what stands there instead."""

    file: str
    old: str
    new: str

    def put_into(self, source: str) -> str:
        """Return a source in which the piece is replaced; raises Drifted unless it is there exactly once."""
        found = source.count(self.old)
        if found != 1:
            raise Drifted(
                f"jobqueue/{self.file} has the piece that a mutant replaces {found} times instead of once: it has "
                f"drifted. Mend the quotation in tests/mutants/table/:\n{self.old}"
            )
        return source.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Killer:
    """A test that fails on a mutant: its node id, the databases on which it does, and the error it fails by."""

    test: str
    on: tuple[str, ...] = ANY
    by: str = "AssertionError"

    @property
    def is_race_or_process(self) -> bool:
        """Whether it lets real transactions or real processes meet."""
        return self.test.startswith(("tests/races/", "tests/process/", "tests/faults/", "tests/crashpoints/"))

    @property
    def settings(self) -> str:
        """The settings that it runs on: those of tests/aliases have the jobs and a project's data on two databases."""
        return "tests.aliases.settings" if self.test.startswith("tests/aliases/suite/") else "tests.settings"

    @property
    def is_simulation(self) -> bool:
        """Whether it is a schedule of the simulator."""
        return self.test.startswith("tests/simulation/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mechanism, how it is switched off, and who notices. `mechanism` and `off` are sentences for people."""

    name: str
    mechanism: str
    off: str
    pieces: tuple[Piece, ...]
    killers: tuple[Killer, ...]

    @property
    def files(self) -> set[str]:
        """The files that are changed."""
        return {piece.file for piece in self.pieces}
