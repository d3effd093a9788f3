"""The drill's own tables. They exist in its own database alone: the app is installed nowhere else."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Counter(models.Model):
    """What the jobs of a drill add to. Wrong when it ends other than expected."""

    name = models.CharField(max_length=100, primary_key=True)
    value = models.IntegerField(default=0)

    objects: ClassVar[models.Manager[Counter]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class NaiveJob(models.Model):
    """A waiting job of the naive queue, and its lock, where there is no Redis to keep them."""

    call = models.CharField(max_length=255, primary_key=True)
    holder = models.CharField(max_length=64, blank=True, default="")
    expires_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[NaiveJob]] = models.Manager()

    def __str__(self) -> str:
        return self.call
