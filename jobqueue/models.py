"""The tables: what a task is, a job and its attempts, what happened once, and who is alive.

Rows are written by `lifecycle` and `ledger` alone (workers keep their own Worker row). No foreign key of the database
points at a job: a heartbeat or a record must never wait for a row that a job's own transaction holds locked.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.tasks import TaskResultStatus
from django.utils.translation import gettext_lazy as _

from .database import DatabaseNow, new_id
from .fields import ExactCharField, ExactTextField
from .indexes import PartialIndex


class Outcome(models.TextChoices):
    """Why a job or an attempt is in the status it is in."""

    OK = "ok", _("ok")
    RAISED = "raised", _("raised")
    TIMED_OUT = "timed_out", _("timed out")
    INVALID = "invalid", _("invalid result")
    CRASHED = "crashed", _("crashed")
    LOST = "lost", _("lost")
    RELEASED = "released", _("handed back")
    CANCELLED = "cancelled", _("cancelled")


class TaskDefinition(models.Model):
    """A registered task, as the workers that started last declared it."""

    path = ExactCharField(_("path"), max_length=255, primary_key=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    backend = models.CharField(_("backend"), max_length=64)
    queue = ExactCharField(_("queue"), max_length=128)
    priority = models.SmallIntegerField(_("priority"))
    effects = models.CharField(_("effects"), max_length=16)
    max_attempts = models.PositiveIntegerField(_("max attempts"))
    timeout = models.FloatField(_("timeout"), null=True, blank=True, help_text=_("Seconds."))
    paused = models.BooleanField(_("paused"), default=False)
    synced_at = models.DateTimeField(_("synced at"))

    class Meta:
        verbose_name = _("task definition")
        verbose_name_plural = _("task definitions")
        ordering: ClassVar = ["path"]

    def __str__(self) -> str:
        return self.path


class JobQuerySet(models.QuerySet["Job"]):
    """Adjectives for jobs."""

    def ready(self) -> JobQuerySet:
        """Jobs that wait to be claimed, due or not."""
        return self.filter(status=TaskResultStatus.READY)

    def due(self) -> JobQuerySet:
        """Jobs whose time has come by the database's clock."""
        return self.filter(due_at__lte=DatabaseNow())

    def running(self) -> JobQuerySet:
        """Jobs that a worker has claimed."""
        return self.filter(status=TaskResultStatus.RUNNING)

    def finished(self) -> JobQuerySet:
        """Jobs that ended, well or badly."""
        return self.filter(status__in=[TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED])


class Job(models.Model):
    """One call of a task, from enqueue to its end.

    `attempt` and `token` are the fence. Both are minted by each claim; every write of an owner names the token, and a
    write that changes no row means that the owner is one no longer.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backend = ExactCharField(_("backend"), max_length=64)
    task_path = ExactCharField(_("task"), max_length=255)
    queue = ExactCharField(_("queue"), max_length=128)
    priority = models.SmallIntegerField(_("priority"), default=0)
    arguments = models.JSONField(_("arguments"), help_text=_('{"args": […], "kwargs": {…}}'))
    idempotency_key = ExactCharField(_("idempotency key"), max_length=255, null=True, blank=True)

    status = models.CharField(_("status"), max_length=10, choices=TaskResultStatus.choices)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    result = models.JSONField(_("result"), null=True, blank=True)

    attempt = models.PositiveIntegerField(_("fence number"), default=0)
    token = models.UUIDField(_("fence token"), null=True, blank=True)
    worker_id = ExactCharField(_("owner"), max_length=128, blank=True, default="")
    failures = models.PositiveIntegerField(_("failures"), default=0)
    crashes = models.PositiveIntegerField(_("crashes"), default=0)

    enqueued_at = models.DateTimeField(_("enqueued at"))
    due_at = models.DateTimeField(_("due at"))
    first_started_at = models.DateTimeField(_("first started at"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    fenced_at = models.DateTimeField(_("last step at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            PartialIndex(
                only=models.Q(status="READY"),
                led_by=["status"],
                fields=["backend", "queue", "-priority", "due_at", "id"],
                name="jobqueue_ready",
            ),
            PartialIndex(
                only=models.Q(status="RUNNING"), led_by=["status"], fields=["worker_id"], name="jobqueue_running"
            ),
            # For people: failures are few, and are looked for among all that went well.
            PartialIndex(only=models.Q(status="FAILED"), led_by=["status"], fields=["id"], name="jobqueue_failed"),
            PartialIndex(only=models.Q(finished_at__isnull=False), fields=["finished_at"], name="jobqueue_finished"),
            models.Index(fields=["task_path", "id"], name="jobqueue_by_task"),
        ]
        permissions: ClassVar = [("retry_job", "Can retry job"), ("cancel_job", "Can cancel job")]

    def __str__(self) -> str:
        return f"{self.task_path} {self.id}"


class Attempt(models.Model):
    """One claim of a job that outlived a renewal or did not end well.

    A job that succeeds before its first renewal leaves no row here; its own row tells as much. Number gaps are claims
    that left no trace worth keeping.
    """

    id = models.BigAutoField(primary_key=True)
    job_id = models.UUIDField(_("job"))
    number = models.PositiveIntegerField(_("fence number"))
    token = models.UUIDField(_("fence token"))
    worker_id = ExactCharField(_("owner"), max_length=128)
    pid = models.PositiveIntegerField(_("pid"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    renewed_at = models.DateTimeField(_("renewed at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    renewals = models.PositiveIntegerField(_("renewals"), default=0)
    progress = models.JSONField(_("progress"), null=True, blank=True)
    refused_writes = models.PositiveIntegerField(_("refused late writes"), default=0)
    outcome = models.CharField(_("why it ended"), max_length=10, choices=Outcome.choices, blank=True)
    exception_class = models.CharField(_("exception"), max_length=255, blank=True)
    traceback = ExactTextField(_("traceback"), blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering: ClassVar = ["job_id", "number"]
        constraints: ClassVar = [
            # The number could repeat after a failover to an older state of the database; the token cannot.
            models.UniqueConstraint(fields=["job_id", "token"], name="jobqueue_attempt_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"


class LedgerEntry(models.Model):
    """That something happened, kept longer than the job that did it; unique, so it cannot happen twice."""

    id = models.BigAutoField(primary_key=True)
    scope = ExactCharField(_("scope"), max_length=300)
    key = ExactCharField(_("key"), max_length=255)
    job_id = models.UUIDField(_("job"), db_index=True)
    attempt = models.PositiveIntegerField(_("fence number"), default=0)
    fingerprint = models.CharField(_("fingerprint of the arguments"), max_length=64, blank=True)
    value = models.JSONField(_("value"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "key"], name="jobqueue_ledger_once"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class Worker(models.Model):
    """One `runworkers`: the row that it updates by the database's clock for as long as it lives."""

    id = ExactCharField(_("id"), max_length=128, primary_key=True)
    name = ExactCharField(_("name"), max_length=100)
    hostname = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("pid"))
    backend = models.CharField(_("backend"), max_length=64)
    queues = models.JSONField(_("queues"), default=list)
    concurrency = models.PositiveIntegerField(_("concurrency"))
    lease_seconds = models.FloatField(_("lease"), help_text=_("Seconds."))
    version = models.CharField(_("version"), max_length=32, blank=True)
    executors = models.JSONField(_("executors"), default=list)
    started_at = models.DateTimeField(_("started at"))
    heartbeat_at = models.DateTimeField(_("heartbeat at"), db_index=True)
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return self.id
