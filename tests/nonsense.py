"""What a server in the place of Redis may say, and none of our scripts ever does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

from tests.false_redis import Answer


def _endless(piece: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.repeat(piece * (1 + 65536 // len(piece)))


def _drip() -> Iterator[bytes]:
    yield b":"
    while True:
        time.sleep(0.05)
        yield b"1"


def _of(answer: bytes) -> Callable[[], Answer]:
    return lambda: answer


# Errors of a real server in some trouble.
TROUBLE = (
    "READONLY You can't write against a read only replica.",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM User default has no permissions to run the 'evalsha' command",
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "CLUSTERDOWN The cluster is down",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "MOVED 3999 127.0.0.1:1",
    "ASK 3999 127.0.0.1:1",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOSCRIPT No matching script.",
    "EXECABORT Transaction discarded because of previous errors.",
    "UNKILLABLE Sorry the script already executed write commands against the dataset.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "ERR max number of clients reached",
    "ERR unknown command",
)
NONSENSE: dict[str, Callable[[], Answer]] = {
    "an error without a word": _of(b"-\r\n"),
    "an error for a terminal": _of(b"-ERR \x1b]0;mine\x07\x1b[2J\xff\xfe\n\x00\r\n"),
    "an error of 600 kB": _of(b"-ERR " + b"x" * 600_000 + b"\r\n"),
    "another protocol": _of(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "a TLS alert": _of(b"\x15\x03\x01\x00\x02\x02\x46"),
    "an empty line": _of(b"\r\n"),
    "a word": _of(b"+OK\r\n"),
    "bytes": _of(b"$3\r\nabc\r\n"),
    "a number that is none": _of(b":one\r\n"),
    "a number of 5000 digits": _of(b":" + b"9" * 5000 + b"\r\n"),
    "a number below zero": _of(b":-1\r\n"),
    "a number that is too large": _of(b":7\r\n"),
    "bytes of a negative length": _of(b"$-7\r\n"),
    "bytes of no length": _of(b"$x\r\nabc\r\n"),
    "a list of no length": _of(b"*x\r\n"),
    "a list of two nothings": _of(b"*2\r\n$-1\r\n$-1\r\n"),
    "a list of numbers as text": _of(b"*2\r\n$1\r\n1\r\n$4\r\n1000\r\n"),
    "a list of errors": _of(b"*2\r\n-ERR a\r\n-ERR b\r\n"),
    "a list in a list": _of(b"*2\r\n*1\r\n:1\r\n*1\r\n:1\r\n"),
    "one number too many": _of(b"*3\r\n:1\r\n:1\r\n:1\r\n"),
    "a lease that was not asked for": _of(b"*2\r\n:9\r\n:1000\r\n"),
    "one lease twice": _of(b"*4\r\n:1\r\n:1000\r\n:1\r\n:1000\r\n"),
    "neither yes nor no": _of(b"*2\r\n:2\r\n:-2\r\n"),
    "a hundred thousand lists, each in the other": _of(b"*1\r\n" * 100_000),
    "a push": _of(b">2\r\n+invalidate\r\n*0\r\n"),
    "a push to go elsewhere": _of(b">4\r\n+MOVING\r\n:1\r\n:10\r\n+127.0.0.1:1\r\n"),
    "a map": _of(b"%1\r\n*0\r\n:1\r\n"),
    "true": _of(b"#t\r\n"),
    "half a list": _of(b"*2\r\n:1\r\n"),
    "bytes that do not come": _of(b"$9999999999\r\nabc"),
    "a line without an end": _endless(b"x"),
    "bytes without an end": lambda: itertools.chain([b"$9999999999\r\n"], _endless(b"x")()),
    "a list without an end": lambda: itertools.chain([b"*9999999999\r\n"], _endless(b":1\r\n")()),
    "lists without an end": _endless(b"*9\r\n"),
    "pushes without an end": _endless(b">1\r\n+x\r\n"),
    "a byte now and then": _drip,
    "nothing": lambda: b"",
}
