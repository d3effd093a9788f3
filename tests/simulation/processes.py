"""What stands in for multiprocessing: child processes, pipes, shared memory, and waiting for any of them."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from tests.simulation import current
from tests.simulation.world import Process, Waitable


class End(Waitable):
    """One end of a pipe. What was sent before the other side died can still be read, as with a real one."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self.other: End
        self.process = process
        self.inbox: deque[Any] = deque()
        self.open = True
        process.ends.append(self)

    def send(self, message: Any) -> None:
        if not self.other.open:
            raise BrokenPipeError("Nobody is there any more.")
        current.simulation.watch.message(self, message)
        self.other.inbox.append(message)
        self.other.notify()

    def recv(self) -> Any:
        while not self.inbox:
            if not self.other.open:
                raise EOFError
            current.world.wait([self], None)
        return self.inbox.popleft()

    def poll(self) -> bool:
        return bool(self.inbox) or not self.other.open

    def is_ready(self) -> bool:
        return self.poll()

    def close(self) -> None:
        actor = current.world.here
        if actor is not None and actor.process is self.process:  # Else it is the copy that a parent closes.
            self.hang_up()

    def hang_up(self) -> None:
        self.open = False
        self.other.notify()


class Child:
    """multiprocessing.Process."""

    def __init__(self, *, target: Callable[..., None], args: Sequence[Any], name: str) -> None:
        self._target, self._args = target, args
        self.process: Process

    def start(self) -> None:
        world = current.world
        assert world.here is not None
        parent = world.here.process
        parent.own["started"] = number = parent.own.get("started", 0) + 1
        self.process = world.process(f"{parent.name}x{number}", parent=parent)
        for value in self._args:
            if isinstance(value, End):
                value.process.ends.remove(value)
                value.process = self.process
                self.process.ends.append(value)
        self.process.spawn("executor", lambda: self._target(*self._args))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def sentinel(self) -> Process:
        return self.process

    @property
    def exitcode(self) -> int | None:
        return self.process.exit_code

    def kill(self) -> None:
        current.world.note(f"{self.process.name} is killed by its parent")
        self.process.die(-9)

    def join(self, timeout: float | None = None) -> None:
        if self.process.alive:
            current.world.wait([self.process], timeout)

    def close(self) -> None:
        return


class Cell:
    """A number in shared memory."""

    def __init__(self, value: float) -> None:
        self.value = value


class Context:
    """multiprocessing's context."""

    Process = Child

    @staticmethod
    def Pipe() -> tuple[End, End]:  # noqa: N802
        assert current.world.here is not None
        mine, theirs = End(current.world.here.process), End(current.world.here.process)
        mine.other, theirs.other = theirs, mine
        return mine, theirs

    @staticmethod
    def RawValue(_kind: object, value: float) -> Cell:  # noqa: N802
        return Cell(value)

    @staticmethod
    def RawArray(_kind: object, size: int) -> list[float]:  # noqa: N802
        return [0.0] * size


class Bell(Waitable):
    """The pipe by which a dispatcher is rung."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = False

    def is_ready(self) -> bool:
        return self.rung


class DispatcherOs:
    """What a dispatcher asks of the os module."""

    @staticmethod
    def pipe() -> tuple[Bell, Bell]:
        bell = Bell()
        return bell, bell

    @staticmethod
    def set_blocking(_end: Bell, _blocking: bool) -> None:
        return

    @staticmethod
    def write(bell: Bell, _data: bytes) -> None:
        bell.rung = True
        bell.notify()

    @staticmethod
    def read(bell: Bell, _size: int) -> None:
        bell.rung = False


def wait(things: Sequence[Any], timeout: float | None = None) -> list[Any]:
    """multiprocessing.connection.wait."""
    ready = _ready(things)
    if not ready:
        current.world.wait(list(things), timeout)
        ready = _ready(things)
    return ready


def _ready(things: Sequence[Any]) -> list[Any]:
    return [t for t in things if (not t.alive if isinstance(t, Process) else t.is_ready())]


def open_file(path: str, *_: Any) -> io.StringIO:
    """Answer for the kernel: whether a process is stopped."""
    pid = int(path.split("/")[2])
    process = next((p for p in current.world.processes if p.pid == pid and p.alive), None)
    if process is None:
        raise FileNotFoundError(path)
    return io.StringIO(f"{pid} (python) {'T' if process.stopped and process.is_held() else 'S'} 1")
