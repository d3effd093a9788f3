"""What is outside of all databases: a file for each thing that is delivered, with a line for each time that it was."""

from __future__ import annotations

import os
from pathlib import Path

from .plan import current


def directory() -> Path:
    """Return where everything arrives."""
    return Path(current().directory) / "outside"


def post(number: str, key: str) -> None:
    """Deliver something under a key: one write, so that it has been done or has not."""
    file = os.open(directory() / number, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{key}\n".encode())
    finally:
        os.close(file)


def arrived(number: str) -> list[str]:
    """Return the keys under which something was delivered, each as often as it was."""
    file = directory() / number
    return file.read_text().split() if file.exists() else []


def everything() -> dict[str, list[str]]:
    """Return all that was ever delivered."""
    return {file.name: arrived(file.name) for file in directory().iterdir()}
