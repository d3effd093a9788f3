"""A number that jobs raise, and orders whose saving enqueues one."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number; a wrong value is a job that ran twice, or never."""

    name = models.CharField(max_length=100, unique=True)
    value = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"

    @classmethod
    def shown(cls) -> Counter:
        """Return the counter of the page, made when it is missing."""
        return cls.objects.get_or_create(name="demo")[0]


class Order(models.Model):
    """Something that was ordered, to be counted once however often it is saved."""

    item = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"order {self.pk}: {self.item}"
