"""The tasks of the shop. Nobody runs them: they are there to be read on pages."""

from __future__ import annotations

from typing import Any

from django.tasks import task

from jobqueue.task import JobTask


def _account(account: str, *_: Any, **__: Any) -> str:
    return account


@task(effects="steps", max_attempts=5, timeout=60)
def charge(order: int) -> Any:
    """Take the money for an order."""


@task(effects="steps", timeout=600, concurrency=2)
def import_prices(file: str) -> Any:
    """Read a supplier's list of prices."""


@task(concurrency={"key": _account, "limit": 1}, rate={"key": _account, "limit": "30/h"})
def sync(account: str) -> Any:
    """Fetch what is new in an account of a customer."""


@task(queue_name="mail", rate="100/m")
def send_receipt(order: int) -> Any:
    """Mail the receipt for an order."""


@task
def report(day: str) -> Any:
    """Add up a day, when all that it is made of is there."""


@task(timeout=7200)
def clean_up() -> Any:
    """Delete the carts that nobody came back for."""


TASKS: dict[str, JobTask] = {it.module_path: it for it in (charge, import_prices, sync, send_receipt, report, clean_up)}
