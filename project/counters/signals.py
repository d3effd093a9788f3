"""A receiver that enqueues, as many projects have one."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Order
from .tasks import count_order


@receiver(post_save, sender=Order)
def count_an_order(instance: Order, **kwargs: Any) -> None:
    """Enqueue the counting of an order, in the transaction that saves it.

    Every save comes here, and with the key only the first one makes a job.
    """
    count_order.using(idempotency_key=f"order-{instance.pk}").enqueue(instance.pk)  # type: ignore[call-arg]
