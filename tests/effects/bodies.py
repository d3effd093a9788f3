"""Tasks whose body is a function that a test hands in: so that a test and the body it is about stand together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from typing import Any

from django.tasks import TaskResult, task


def at_once(_error: BaseException, _result: TaskResult) -> float:
    """Let the next attempt begin without a delay."""
    return 0.0


_body: list[Callable[..., Any]] = []


@contextmanager
def acted(body: Callable[..., Any]) -> Generator[None]:
    """Let this function be the body of the tasks below."""
    _body.append(body)
    try:
        yield
    finally:
        _body.pop()


@task(effects="atomic", backoff=at_once)
def in_one_transaction(*args: Any) -> Any:
    """Do what the test says, in the transaction of the fence."""
    return _body[-1](*args)


@task(effects="atomic", unique="active")
def once_while_active(*args: Any) -> Any:
    """Do what the test says; there is one such job of a call at a time."""
    return _body[-1](*args)


@task(effects="steps", backoff=at_once)
def in_steps(*args: Any) -> Any:
    """Do what the test says, outside of any transaction."""
    return _body[-1](*args)


@task(effects="unfenced", backoff=at_once)
def at_large(*args: Any) -> Any:
    """Do what the test says, without a fence."""
    return _body[-1](*args)


@task(effects="atomic", backoff=at_once)
async def in_one_transaction_async(*args: Any) -> Any:
    """Await what the test says."""
    return await _body[-1](*args)


@task(effects="steps", backoff=at_once)
async def in_steps_async(*args: Any) -> Any:
    """Await what the test says, outside of any transaction."""
    return await _body[-1](*args)


def task_for(body: Callable[..., Any], effects: str) -> Any:
    """Return the task that runs such a body."""
    if iscoroutinefunction(body):
        return {"atomic": in_one_transaction_async, "steps": in_steps_async}[effects]
    return {"atomic": in_one_transaction, "steps": in_steps, "unfenced": at_large}[effects]
