"""Tasks that write to "default", where the jobs are not; the body is what a test hands in."""

from __future__ import annotations

from typing import Any

from django.tasks import task

from tests.effects.bodies import _body, at_once


@task(writes_to="default", backoff=at_once)
def there(*args: Any) -> Any:
    """Do what the test says, in one transaction there."""
    return _body[-1](*args)


@task(writes_to="default", effects="steps", backoff=at_once)
def in_steps_there(*args: Any) -> Any:
    """Do what the test says; once() writes there."""
    return _body[-1](*args)


@task(unfenced_databases=("default",), backoff=at_once)
def at_large_there(*args: Any) -> Any:
    """Do what the test says; writes there are in no fence."""
    return _body[-1](*args)


@task(commit_on="default")
def on_commit_there(*args: Any) -> Any:
    """Do what the test says, once a transaction there has committed."""
    return _body[-1](*args)
