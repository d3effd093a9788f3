"""The Lua scripts: one verb each, read once from their files."""

from __future__ import annotations

import hashlib
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

    def call(self, client: Redis, calls: list[tuple[list[str], list[Any]]]) -> list[Any]:
        """Return the answer to each (KEYS, ARGV), in one round trip."""
        try:
            return self._pipelined(client, calls)
        except NoScriptError:
            client.script_load(self.source)
            return self._pipelined(client, calls)

    def _pipelined(self, client: Redis, calls: list[tuple[list[str], list[Any]]]) -> list[Any]:
        with client.pipeline(transaction=False) as pipe:
            for keys, argv in calls:
                pipe.evalsha(self.digest, len(keys), *keys, *argv)
            return pipe.execute()


@cache
def script(name: str) -> Script:
    """Return the script of a verb."""
    return Script(name)
