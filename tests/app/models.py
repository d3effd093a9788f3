"""Where jobs leave traces: a counter that must be right, and a log that shows who wrote how often."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number that jobs raise; a wrong value is a job that ran twice or never."""

    name = models.CharField(max_length=100, unique=True)
    value = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class Entry(models.Model):
    """One line that a job wrote; nothing ever changes one."""

    job = models.CharField(max_length=100, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.job} {self.note}".strip()
