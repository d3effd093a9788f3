"""What our scripts may answer. A server that answers anything else is not believed in anything.

It may be another one than it was, it may be an impostor, or its answers may have come out of step with our requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise


class Unintelligible(Exception):
    """Redis answers something that no script of ours answers."""


def numbers(answer: object) -> list[int]:
    """Return an answer that is a list of whole numbers; raises Unintelligible."""
    if not isinstance(answer, list) or not all(type(number) is int for number in answer):
        raise Unintelligible(_tell(answer))
    return answer


def refusals(answer: object, asked: int) -> dict[int, int]:
    """Return which of so many were refused, counted from 1, and what is left of the lease there is."""
    found = numbers(answer)
    which, left = found[::2], found[1::2]
    ordered = [0, *which, asked + 1]
    if len(which) != len(left) or any(a >= b for a, b in pairwise(ordered)):
        raise Unintelligible(_tell(answer))
    return dict(zip(which, left, strict=True))


def renewals(answer: object, asked: int) -> list[tuple[bool, int]]:
    """Return for each of so many leases whether it is held, and what is left of the one there is."""
    found = numbers(answer)
    if len(found) != 2 * asked:
        raise Unintelligible(_tell(answer))
    return list(zip(flags(found[::2], asked), found[1::2], strict=True))


def flags(answer: object, asked: int) -> list[bool]:
    """Return an answer of so many times yes or no."""
    found = numbers(answer)
    if len(found) != asked or not {0, 1}.issuperset(found):
        raise Unintelligible(_tell(answer))
    return [number == 1 for number in found]


def count(answer: object, most: int) -> int:
    """Return an answer that counts something of which there are at most so many."""
    (found,) = numbers([answer])
    if not 0 <= found <= most:
        raise Unintelligible(_tell(answer))
    return found


def views(answer: object, asked: int) -> list[tuple[bytes, bytes, bytes, int]]:
    """Return of each of so many leases who holds it, how often it was renewed, by which pid, and what is left of it."""
    if not isinstance(answer, list) or len(answer) != 4 * asked:
        raise Unintelligible(_tell(answer))
    ttls = numbers(answer[3::4])
    if not all(isinstance(text, bytes) for rest in (answer[::4], answer[1::4], answer[2::4]) for text in rest):
        raise Unintelligible(_tell(answer))
    return list(zip(answer[::4], answer[1::4], answer[2::4], ttls, strict=True))


def hint(answer: object, queues: Mapping[bytes, str]) -> str | None:
    """Return the queue that a hint names by its key, None for no hint."""
    match answer:
        case None:
            return None
        case [bytes(key), bytes()] if key in queues:
            return queues[key]
    raise Unintelligible(_tell(answer))


def evicting_policy(answer: object) -> str | None:
    """Return what INFO says is done when the memory is full, None when it has no limit or nothing is thrown away."""
    match answer:
        case {"maxmemory": int(limit), "maxmemory_policy": str(policy)}:
            return None if limit == 0 or policy == "noeviction" else policy
        case {"used_memory": int()}:  # Others that speak the protocol may not have such a thing.
            return None
    raise Unintelligible(_tell(answer))


def health(answer: object) -> dict[str, int | str]:
    """Return what INFO says of a server's health; those that speak the protocol need not say everything."""
    if not isinstance(answer, dict) or not isinstance(answer.get("used_memory"), int):
        raise Unintelligible(_tell(answer))
    return {name: value for name, value in answer.items() if isinstance(name, str) and isinstance(value, int | str)}


def seconds(answer: object) -> float:
    """Return what TIME answers, in seconds since 1970."""
    match answer:
        case (int(whole), int(millionths)):
            return whole + millionths / 1_000_000
    raise Unintelligible(_tell(answer))


def _tell(answer: object) -> str:
    return f"This is no answer to what was asked: {str(answer)[:100]!r}"
