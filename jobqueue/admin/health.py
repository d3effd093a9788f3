"""How all jobs are in one line, for the site's own index: the first trouble, or that there is none, and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, NamedTuple

from django.db import Error, connections, transaction
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..database import alias
from ..models import Worker
from .depths import Depth
from .liveness import is_alive
from .paging import AtLeast
from .situation import situation


class Health(NamedTuple):
    """What is told: the worst trouble, "" when there is none, how many more there are, and numbers with their words.

    `url` is where all of it stands.
    """

    url: str
    trouble: str = ""
    more: int = 0
    numbers: Sequence[str] = ()


def health(request: HttpRequest) -> Health | None:
    """Return how all jobs are, or that the tables cannot be read; None where no admin site has pages of jobqueue.

    Each Redis is asked once, for as long as its time-out at most.
    """
    url = _overview(request)
    if not url:
        return None
    try:
        with _apart():
            return _look(request, url)
    except Error:
        return Health(url, _("Its tables cannot be read. Have the migrations been run?"))


def _look(request: HttpRequest, url: str) -> Health:
    it = situation()
    numbers = list(_numbers(request, list(it.depths.values()), it.workers))
    return Health(url, it.troubles[0].text if it.troubles else "", max(0, len(it.troubles) - 1), numbers)


def _numbers(request: HttpRequest, deep: Sequence[Depth], workers: Sequence[Worker]) -> Iterator[str]:
    waiting, running = sum(it.due for it in deep), sum(it.running for it in deep)
    if any(isinstance(it.due, AtLeast) for it in deep):
        waiting = AtLeast(waiting)
    yield ngettext("%(count)s waiting", "%(count)s waiting", waiting) % {"count": waiting}
    yield ngettext("%(count)s running", "%(count)s running", running) % {"count": running}
    user: Any = request.user
    if user.has_perm("jobqueue.view_worker"):
        alive = sum(map(is_alive, workers))
        yield ngettext("%(count)s worker", "%(count)s workers", alive) % {"count": alive}


def _overview(request: HttpRequest) -> str:
    """Return where the first page is: on this admin site, else on the one that Django finds; "" when on none."""
    for site in (getattr(request, "current_app", None), None):
        with suppress(NoReverseMatch):
            return reverse("admin:app_list", args=["jobqueue"], current_app=site)
    return ""


def _apart() -> AbstractContextManager[Any]:
    """Have a statement that fails leave the transaction of a request as it was, where there is one."""
    if connections[alias()].in_atomic_block:
        return transaction.atomic(using=alias())
    return nullcontext()
