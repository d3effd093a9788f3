"""The virtual environment of the other queues: made when first asked for, made anew when what it holds changes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from .servers.programs import Missing

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
_WANTED = Path(__file__).with_name("peers.txt")


def python_of_peers() -> str:
    """Return the interpreter that has the other queues, installing them if need be; raises Missing."""
    home = VAR / "peers"
    python, mark = home / "bin" / "python", home / "installed.txt"
    if not mark.exists() or mark.read_text() != _WANTED.read_text():
        print("Installing the other queues into var/bench/peers; the first time takes a minute …", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        _run([str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q", "-q", "-r", str(_WANTED)])
        mark.write_text(_WANTED.read_text())
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"The other queues could not be installed:\n{done.stderr.strip()}\n{done.stdout.strip()}")


def versions_of_peers() -> dict[str, str]:
    """Return the versions that are asked for, by package."""
    pins = [line.split("==") for line in _WANTED.read_text().splitlines() if "==" in line]
    return {name.partition("[")[0]: number for name, number in pins}


def own_versions() -> dict[str, str]:
    """Return the versions of what jobqueue runs on."""
    return {name: version(name) for name in ("Django", "psycopg", "redis")}
