"""The Redis server: jobqueue's own Lua scripts, over as much of Redis as they and the hints use, with its own clock.

tests/simulation/test_the_small_redis_is_like_a_real_one.py compares it with a real server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import lupa.lua51 as lupa
from redis.exceptions import ConnectionError, NoScriptError, ResponseError, TimeoutError

from tests.simulation import current
from tests.simulation.world import BEGINNING, Waitable

Value = str | dict[str, str] | list[str]


class Memory:
    """What the server remembers. Times are in milliseconds."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.ends: dict[str, float] = {}
        self.clock = 0.0
        self.full = False
        self.pushed = Waitable()

    def now(self) -> int:
        return int((BEGINNING + current.world.now + self.clock) * 1000)

    def peek(self, key: str) -> Value | None:
        """Return what is there, without forgetting what has lapsed."""
        return None if self.ends.get(key, float("inf")) <= self.now() else self.values.get(key)

    def get(self, key: str, kind: type) -> Any:
        value = self.peek(key)
        if value is None:
            self.values.pop(key, None)
            self.ends.pop(key, None)
        elif not isinstance(value, kind):
            raise ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def command(self, name: str, *args: Any) -> Any:
        """Do what a command says."""
        if self.full and name in ("HSET", "SET", "LPUSH"):
            raise ResponseError("OOM command not allowed when used memory > 'maxmemory'.")
        if name not in _COMMANDS:
            current.world.failed(NotImplementedError(f"The small Redis does not know {name}."))
            raise ResponseError(f"ERR unknown command '{name}'")
        return _COMMANDS[name](self, *args)


def _hget(memory: Memory, key: str, field: str) -> str | None:
    return (memory.get(key, dict) or {}).get(field)


def _hset(memory: Memory, key: str, *pairs: str) -> int:
    fields = memory.get(key, dict)
    if fields is None:
        fields = memory.values[key] = {}
    before = len(fields)
    fields.update(zip(pairs[::2], map(_text, pairs[1::2]), strict=True))
    return len(fields) - before


def _delete(memory: Memory, *keys: str) -> int:
    gone = [key for key in keys if memory.peek(key) is not None]
    for key in keys:
        memory.values.pop(key, None)
        memory.ends.pop(key, None)
    return len(gone)


def _pttl(memory: Memory, key: str) -> int:
    if memory.peek(key) is None:
        return -2
    return int(memory.ends[key] - memory.now()) if key in memory.ends else -1


def _pexpire(memory: Memory, key: str, period: Any) -> int:
    if memory.get(key, object) is None:
        return 0
    memory.ends[key] = memory.now() + int(period)
    return 1


def _set(memory: Memory, key: str, value: Any) -> str:
    memory.values[key] = _text(value)
    memory.ends.pop(key, None)
    return "OK"


def _lpush(memory: Memory, key: str, value: Any) -> int:
    items = memory.get(key, list)
    if items is None:
        items = memory.values[key] = []
    items.insert(0, _text(value))
    memory.pushed.notify()
    return len(items)


_COMMANDS: dict[str, Callable[..., Any]] = {
    "HGET": _hget,
    "HSET": _hset,
    "DEL": _delete,
    "EXISTS": lambda memory, key: int(memory.peek(key) is not None),
    "PTTL": _pttl,
    "PEXPIRE": _pexpire,
    "GET": lambda memory, key: memory.get(key, str),
    "SET": _set,
    "LPUSH": _lpush,
    "TIME": lambda memory: [str(memory.now() // 1000), str(memory.now() % 1000 * 1000)],
}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


class Interpreter:
    """Runs scripts as a server does: integers out of numbers, nothing out of false, the error out of an error."""

    def __init__(self) -> None:
        self.memory: Memory
        self._lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        self._lua.globals().python = None
        self._run = self._lua.eval(
            "function(script, keys, argv, call, pcall_) KEYS, ARGV = keys, argv "
            "redis = {call = call, pcall = pcall_} return script() end"
        )

    @cache  # noqa: B019  (there is one interpreter)
    def compiled(self, source: str) -> Any:
        return self._lua.compile(source)

    def run(self, memory: Memory, source: str, keys: list[Any], argv: list[Any]) -> Any:
        """Return the answer of a script; raises ResponseError when that is an error."""
        self.memory = memory
        table = self._lua.table_from
        answer = self._run(
            self.compiled(source), table([_text(key) for key in keys]), table(map(_text, argv)), self._call, self._pcall
        )
        return self._reply(answer)

    def _call(self, name: str, *args: Any) -> Any:
        answer = self.memory.command(name.upper(), *args)
        if answer is None:
            return False
        return self._lua.table_from(answer) if isinstance(answer, list) else answer

    def _pcall(self, name: str, *args: Any) -> Any:
        try:
            return self._call(name, *args)
        except ResponseError as error:
            return self._lua.table_from({"err": str(error)})

    def _reply(self, answer: Any) -> Any:
        if lupa.lua_type(answer) == "table":
            if answer["err"]:
                raise ResponseError(answer["err"])
            return [self._reply(value) for value in answer.values()]
        if isinstance(answer, bool) or answer is None:
            return 1 if answer else None
        return int(answer) if isinstance(answer, float) else answer


INTERPRETER = Interpreter()


class Client:
    """What redis-py's client is to jobqueue."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.connection_pool = SimpleNamespace(disconnect=lambda **_: None)

    def evalsha(self, digest: str, count: int, *args: Any) -> Any:
        if digest not in _SOURCES:
            raise NoScriptError("No matching script")
        return self.eval(_SOURCES[digest], count, *args)

    def eval(self, source: str, count: int, *args: Any) -> Any:
        keys, argv = list(args[:count]), list(args[count:])
        return self._ask("script", lambda memory: current.simulation.watch.script(memory, source, keys, argv))

    def brpop(self, keys: list[bytes], timeout: float) -> tuple[bytes, bytes] | None:
        world = current.world
        deadline = world.now + timeout
        while True:
            hint: tuple[bytes, bytes] | None = self._ask("brpop", lambda memory: _pop(memory, keys))
            if hint is not None or world.now >= deadline:
                return hint
            world.wait([current.simulation.redis.pushed], deadline - world.now)

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert not transaction
        return Pipeline(self)

    def _ask(self, what: str, act: Callable[[Memory], Any]) -> Any:
        world, simulation = current.world, current.simulation
        world.at(f"redis {what}")
        actor = world.here
        assert actor is not None
        fate, actor.fate = actor.fate, None
        if world.now < max(simulation.redis_down_until, actor.process.own.get("redis cut until", 0.0)):
            world.sleep(self._timeout)
            raise TimeoutError("Timeout reading from socket")
        if fate == "fails":
            raise ConnectionError("Connection reset by peer")
        answer = act(simulation.redis)
        if fate == "lost":
            world.sleep(self._timeout)
            raise TimeoutError("Timeout reading from socket")
        return answer


class Pipeline:
    """Several commands in one round trip."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._commands: list[Callable[[Memory], Any]] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def lpush(self, key: str, value: bytes) -> None:
        self._commands.append(lambda memory: memory.command("LPUSH", key, value))

    def ltrim(self, key: str, _first: int, last: int) -> None:
        self._commands.append(lambda memory: memory.get(key, list).__delitem__(slice(last + 1, None)))

    def expire(self, key: str, seconds: int) -> None:
        self._commands.append(lambda memory: memory.command("PEXPIRE", key, seconds * 1000))

    def execute(self) -> list[Any]:
        answers: list[Any] = self._client._ask("pipeline", lambda memory: [act(memory) for act in self._commands])
        return answers


def _pop(memory: Memory, keys: list[bytes]) -> tuple[bytes, bytes] | None:
    for key in keys:
        items = memory.get(key.decode(), list)
        if items:
            value = items.pop()
            if not items:
                memory.command("DEL", key.decode())
            return key, value.encode()
    return None


def connect(_cache_alias: str, *, timeout: float) -> Any:
    """Return a client, in place of jobqueue.leases.connection.connect()."""
    return Client(timeout)


def _sources() -> dict[str, str]:
    from jobqueue.leases.scripts import script

    return {s.digest: s.source for s in map(script, ("acquire", "renew", "release", "witness"))}


_SOURCES = _sources()
