"""A disk that is full as a server sees it: none of its files may grow until there is room again.

It takes neither root nor a disk: a library of a few lines, full_disk.c, stands between the server and the C library.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.database_server import ServerMissing

_SOURCE = Path(__file__).with_suffix(".c")


class FullDisk:
    """The disk of a server that was started with `env`. `spared` is in the paths of files that always may grow."""

    def __init__(self, directory: Path, *, spared: str = "") -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler or sys.platform != "linux":
            raise ServerMissing("It takes Linux and a C compiler to have a server see a full disk.")
        library = directory / "full_disk.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, _SOURCE, "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        library.chmod(0o755)
        self._flag = directory / "full"
        self.env = {"LD_PRELOAD": str(library), "FULL_DISK_WHILE": str(self._flag), "FULL_DISK_SPARES": spared}

    def fill(self) -> None:
        """Let nothing grow from now on."""
        self._flag.touch()

    def make_room(self) -> None:
        """Let everything grow again."""
        self._flag.unlink(missing_ok=True)
