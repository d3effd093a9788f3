"""Where the jobs of a soak leave their effects. Nothing here is unique: what happened twice must be seen twice."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number that jobs raise, a few of which are shared by all jobs; each effect raises one of them by 1."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    value = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.id}: {self.value}"


class Effect(models.Model):
    """That a job did something, under a claim."""

    number = models.CharField(max_length=80)
    step = models.CharField(max_length=20)
    job = models.CharField(max_length=36)
    token = models.CharField(max_length=36)

    def __str__(self) -> str:
        return f"{self.number} {self.step}"
