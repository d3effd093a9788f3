"""The Lua scripts: one verb each, read once from their files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError


class Script:
    """A script that is called by its digest, and sent whole to a server that does not know it."""

    def __init__(self, name: str) -> None:
        self.source = (files(__package__) / "lua" / f"{name}.lua").read_text()
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def call(self, client: Redis, keys: Sequence[str], argv: Sequence[Any]) -> Any:
        """Return the script's answer."""
        try:
            return client.evalsha(self.digest, len(keys), *keys, *argv)
        except NoScriptError:
            return client.eval(self.source, len(keys), *keys, *argv)


@cache
def script(name: str) -> Script:
    """Return the script of a verb."""
    return Script(name)
