"""Loads a mutant: an import hook that replaces pieces of jobqueue's source, Python and Lua, while it is loaded.

``JOBQUEUE_MUTANT`` names the mutant, for this process and for every worker it starts. Each file that was loaded in its
changed form is noted in the file that ``JOBQUEUE_MUTANT_LOADED`` names: a test that met no mutant proves nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.readers import FileReader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests.mutants.mutant import Mutant

MUTANT = "JOBQUEUE_MUTANT"
LOADED = "JOBQUEUE_MUTANT_LOADED"


def install() -> None:
    """Have this process load the mutant that the environment names; raises LookupError for an unknown one.

    Raises ImportError when what it changes is loaded already: such a process would run the real thing.
    """
    name = os.environ.get(MUTANT)
    if not name:
        return
    # Whoever asks for no mutant does without the table.
    from tests.mutants.table import find

    finder = _Finder(find(name))
    if late := finder.modules & set(sys.modules):
        raise ImportError(f"Too late for the mutant {name!r}: {', '.join(sorted(late))} is loaded already.")
    sys.meta_path.insert(0, finder)


class _Finder(MetaPathFinder):
    """Finds the modules and packages of which a mutant changes something."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self.modules = {_module_of(file) for file in mutant.files}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.modules:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self._changed)
        return spec

    def _changed(self, file: Path, source: str) -> str:
        name = str(file).rpartition("/jobqueue/")[2]
        pieces = [piece for piece in self._mutant.pieces if piece.file == name]
        for piece in pieces:
            source = piece.put_into(source)
        if pieces:
            _note(name)
        return source


class _Loader(SourceFileLoader):
    """Loads a module from its changed source, never from a cache; its package's data files are changed as well."""

    def __init__(self, fullname: str, path: str, change: Callable[[Path, str], str]) -> None:
        super().__init__(fullname, path)
        self._change = change

    def get_code(self, fullname: str) -> CodeType:
        source = self._change(Path(self.path), Path(self.path).read_text())
        return compile(source, self.path, "exec", dont_inherit=True)

    def get_resource_reader(self, fullname: str) -> Any:
        reader, change = FileReader(self), self._change

        class Changed(Path):
            def read_text(self, *args: Any, **kwargs: Any) -> str:
                return change(self, super().read_text(*args, **kwargs))

        reader.path = Changed(reader.path)
        return reader


def _module_of(file: str) -> str:
    """Return the module that a file is, or for data the package that it belongs to: the nearest that has modules."""
    path = Path("jobqueue") / file
    if path.suffix == ".py":
        return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return ".".join(path.parent.parent.parts)


def _note(file: str) -> None:
    if (where := os.environ.get(LOADED)) is not None:
        with Path(where).open("a") as notes:
            notes.write(f"{file}\n")
