"""A number that jobs raise."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number; a wrong value is a job that ran twice, or never."""

    value = models.IntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)
