"""The page: buttons that enqueue, the live list of jobs, and the buttons that do harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from .faults import FREEZE_SECONDS, Refused, freeze_worker, kill_process, kill_worker
from .figures import figures
from .line import line_of
from .live import look
from .models import Counter, Order
from .story import story_of
from .tasks import STEP_SECONDS, STEPS, add_one, count_slowly, fail_twice


@require_GET
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return render(request, "counters/index.html", _state())


@require_GET
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Show the part of the page that changes, for the script that asks for it every second."""
    return render(request, "counters/_live.html", _state())


def _state() -> dict[str, Any]:
    now, counted = look(), figures()
    story = story_of(now, counted)
    return {
        "figures": counted,
        "live": now,
        "story": story,
        "line": line_of(story.job) if story.job else None,
        "can_harm": settings.DEBUG,
        "freeze_seconds": FREEZE_SECONDS,
    }


@require_POST
def press(request: HttpRequest, name: str) -> HttpResponse:
    """Do what a button of the page stands for."""
    if name not in _BUTTONS:
        raise Http404
    messages.info(request, _BUTTONS[name]())
    return redirect("counters:index")


def _quick() -> str:
    add_one.enqueue(Counter.shown().pk)
    return "Enqueued a job that adds 1."


def _slow() -> str:
    count_slowly.enqueue(Counter.shown().pk, STEPS, STEP_SECONDS)
    return f"Enqueued a job that adds {STEPS}, one a second. While it runs, its worker can be frozen."


def _failing() -> str:
    fail_twice.enqueue(Counter.shown().pk)
    return "Enqueued a job that adds 1 and fails; its third attempt succeeds."


def _order() -> str:
    with transaction.atomic():
        order = Order.objects.create(item="tea")
        order.item = "green tea"
        order.save()
    return f"Saved order {order.pk} twice. The signal enqueued twice, and the key made one job of it."


def _undone_order() -> str:
    with transaction.atomic():
        order = Order.objects.create(item="coffee")
        transaction.set_rollback(True)
    return f"Saved order {order.pk}, then rolled back. The signal had enqueued a job, and it is gone with the order."


_BUTTONS: dict[str, Callable[[], str]] = {
    "quick": _quick,
    "slow": _slow,
    "failing": _failing,
    "order": _order,
    "undone-order": _undone_order,
}


_FAULTS: dict[str, Callable[[UUID], str]] = {
    "kill-worker": kill_worker,
    "kill-process": kill_process,
    "freeze-worker": freeze_worker,
}


@require_POST
def fault(request: HttpRequest, job_id: UUID, what: str) -> HttpResponse:
    """Do harm to the worker that runs a job, or only to the process that does; on a developer's own machine."""
    if not settings.DEBUG or what not in _FAULTS:
        raise Http404
    try:
        messages.warning(request, f"{_FAULTS[what](job_id)} Watch its job.")
    except Refused as reason:
        messages.error(request, f"Nothing was done: {reason}")
    return redirect("counters:index")
