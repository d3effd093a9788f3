"""The tables: what a task is, a job and its attempts, what happened once, and who is alive.

Rows are written by `lifecycle` and `ledger` alone (workers keep their own Worker row). No foreign key of the database
points at a job: a heartbeat or a record must never wait for a row that a job's own transaction holds locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connections, models, transaction
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .conf import LONGEST_TAG
from .database import DatabaseNow, alias, clock, new_id, take_write_lock
from .fields import ExactCharField, ExactTextField, MomentField, StrictJSONField
from .indexes import PartialIndex, PartialUnique
from .limits import LONGEST_KEY
from .planning import (
    ALL,
    LAST,
    LONGEST_CRON,
    LONGEST_NAME,
    MOST,
    PLAN_FIELDS,
    SKIP,
    Plan,
    default_time_zone,
    no_arguments,
    zone_of,
)
from .queues import Queues
from .spelling import on_one_line
from .task import discover, is_known

# A worker declares its tasks when it starts, a moment before or after it first tells of itself.
AT_THE_START = timedelta(seconds=60)


class Outcome(models.TextChoices):
    """Why a job or an attempt is in the status it is in."""

    OK = "ok", _("ok")
    RAISED = "raised", _("raised")
    TIMED_OUT = "timed_out", _("timed out")
    INVALID = "invalid", _("invalid")
    CRASHED = "crashed", _("crashed")
    LOST = "lost", _("lost")
    RELEASED = "released", _("handed back")
    CANCELLED = "cancelled", _("cancelled")
    DEPENDENCY = "dependency", _("an earlier job failed")
    IN_DOUBT = "in_doubt", _("in doubt")


class Gate(models.TextChoices):
    """What a job that is READY has to pass before any worker may claim it; most jobs meet none."""

    OPEN = "", _("open")
    LIMIT = "limit", _("waits for its limit")
    AFTER = "after", _("waits for other jobs")
    COMMIT = "commit", _("waits for a commit")


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
    synced_at = MomentField(_("synced at"))

    class Meta:
        verbose_name = _("task definition")
        verbose_name_plural = _("task definitions")
        ordering: ClassVar = ["path"]
        permissions: ClassVar = [
            ("pause_taskdefinition", "Can pause and resume task definition"),
            ("run_taskdefinition", "Can run task definition with arguments"),
        ]

    def __str__(self) -> str:
        return on_one_line(self.path)

    def is_declared_by(self, workers: Iterable[Worker]) -> bool:
        """Return whether any of these workers has it: who starts declares what it has, and nobody declares less."""
        return any(worker.started_at - self.synced_at <= AT_THE_START for worker in workers)


class PausedQueue(models.Model):
    """A queue whose jobs no worker begins until the row is deleted; jobs that run go on."""

    id = models.BigAutoField(primary_key=True)
    backend = ExactCharField(_("backend"), max_length=64, default="default", help_text=_("The alias in TASKS."))
    name = ExactCharField(_("queue"), max_length=128)
    paused_at = MomentField(_("paused at"), editable=False)

    class Meta:
        verbose_name = _("paused queue")
        verbose_name_plural = _("paused queues")
        ordering: ClassVar = ["backend", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["backend", "name"], name="jobqueue_paused_once"),
        ]

    def __str__(self) -> str:
        return on_one_line(f"{self.name} ({self.backend})")

    def save(self, **options: Any) -> None:
        """Store the row, with the time by the database's clock."""
        self.paused_at = self.paused_at or DatabaseNow()
        super().save(**options)


class Limit(models.Model):
    """A key under which jobs are limited: the row that a worker holds locked while it counts and claims them.

    How many run is nowhere written down: it is the number of RUNNING jobs with the key.
    """

    name = ExactCharField(_("key"), max_length=LONGEST_KEY, primary_key=True)
    next_at = MomentField(_("next due by its rate"), null=True, blank=True)
    used_at = MomentField(_("last used"))

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return on_one_line(self.name)


class JobQuerySet(models.QuerySet["Job"]):
    """Adjectives for jobs."""

    def holding(self) -> JobQuerySet:
        """Jobs that hold their unique key: no second one with it can be there."""
        return self.filter(HOLDS_ITS_KEY)

    def ready(self) -> JobQuerySet:
        """Jobs that wait to be claimed, due or not."""
        return self.filter(status=TaskResultStatus.READY)

    def due(self) -> JobQuerySet:
        """Jobs whose time has come by the database's clock."""
        return self.filter(due_at__lte=DatabaseNow())

    def running(self) -> JobQuerySet:
        """Jobs that a worker has claimed."""
        return self.filter(status=TaskResultStatus.RUNNING)

    def unfinished(self) -> JobQuerySet:
        """Jobs that wait or run."""
        return self.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING])

    def failed(self) -> JobQuerySet:
        """Jobs that ended badly, were given up, or were cancelled."""
        return self.filter(status=TaskResultStatus.FAILED)

    def in_doubt(self) -> JobQuerySet:
        """Failed jobs that wait for somebody to say whether what they deliver outside the database was delivered."""
        return self.failed().filter(outcome=Outcome.IN_DOUBT)

    def tagged(self, name: str) -> JobQuerySet:
        """Jobs with that tag."""
        return self.filter(pk__in=Tag.objects.filter(name=name).values("job_id"))

    def finished(self) -> JobQuerySet:
        """Jobs that ended, well or badly."""
        return self.filter(status__in=[TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED])


# What a job holds is told by its status alone: no verb has to let go, and none can forget to.
HOLDS_ITS_KEY = models.Q(unique_key__isnull=False) & (
    models.Q(unique_while="active", status__in=["READY", "RUNNING"])
    | models.Q(unique_while="waiting", status="READY", attempt=0)
)


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
    arguments = StrictJSONField(_("arguments"), help_text=_('{"args": […], "kwargs": {…}}'))
    idempotency_key = ExactCharField(_("idempotency key"), max_length=255, null=True, blank=True)
    unique_key = ExactCharField(_("unique key"), max_length=64, null=True, blank=True)
    unique_while = models.CharField(_("unique while"), max_length=7, null=True, blank=True)

    status = models.CharField(_("status"), max_length=10, choices=TaskResultStatus.choices)
    gate = models.CharField(_("gate"), max_length=8, choices=Gate.choices, blank=True, default=Gate.OPEN)
    limit_key = ExactCharField(_("limit key"), max_length=LONGEST_KEY, blank=True, default="")
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    result = StrictJSONField(_("result"), null=True, blank=True)

    attempt = models.PositiveIntegerField(_("fence number"), default=0)
    token = models.UUIDField(_("fence token"), null=True, blank=True)
    steps = models.PositiveIntegerField(_("steps of this claim"), null=True, blank=True)
    worker_id = ExactCharField(_("owner"), max_length=128, blank=True, default="")
    failures = models.PositiveIntegerField(_("failures"), default=0)
    crashes = models.PositiveIntegerField(_("crashes"), default=0)

    enqueued_at = MomentField(_("enqueued at"))
    due_at = MomentField(_("due at"))
    first_started_at = MomentField(_("first started at"), null=True, blank=True)
    started_at = MomentField(_("started at"), null=True, blank=True)
    fenced_at = MomentField(_("last step at"), null=True, blank=True)
    finished_at = MomentField(_("finished at"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            PartialIndex(
                only=models.Q(status="READY", gate=""),
                led_by=["status", "gate"],
                fields=["backend", "queue", "-priority", "due_at", "id"],
                name="jobqueue_ready",
            ),
            PartialIndex(
                only=models.Q(status="READY", gate="limit"),
                led_by=["status", "gate"],
                fields=["backend", "queue", "limit_key", "-priority", "due_at", "id"],
                name="jobqueue_limited",
            ),
            PartialIndex(
                only=models.Q(status="RUNNING", limit_key__gt=""),
                led_by=["status"],
                fields=["limit_key"],
                name="jobqueue_slots",
            ),
            PartialIndex(
                only=models.Q(status="READY", gate="after"),
                instead="jobqueue_ready",
                fields=["backend", "id"],
                name="jobqueue_waiting",
            ),
            PartialIndex(
                only=models.Q(status="RUNNING"), led_by=["status"], fields=["worker_id"], name="jobqueue_running"
            ),
            # For people: failures are few, and are looked for among all that went well.
            PartialIndex(only=models.Q(status="FAILED"), led_by=["status"], fields=["id"], name="jobqueue_failed"),
            PartialIndex(only=models.Q(finished_at__isnull=False), fields=["finished_at"], name="jobqueue_finished"),
            models.Index(fields=["task_path", "id"], name="jobqueue_by_task"),
            PartialUnique(only=HOLDS_ITS_KEY, fields=["unique_key"], name="jobqueue_unique", column="held_key"),
        ]
        permissions: ClassVar = [
            ("retry_job", "Can retry job"),
            ("cancel_job", "Can cancel job"),
            ("run_job", "Can run job now"),
            ("copy_job", "Can enqueue job anew"),
            ("decide_job", "Can decide what is in doubt of a job"),
            ("view_payload_job", "Can view arguments, results and errors of job"),
        ]

    def __str__(self) -> str:
        return on_one_line(f"{self.task_path} {self.id}")

    @property
    def holds_its_key(self) -> bool:
        """Whether it has a unique key and no second job with that can be there, as HOLDS_ITS_KEY has it."""
        if self.unique_key is None:
            return False
        if self.unique_while == "active":
            return self.status in (TaskResultStatus.READY, TaskResultStatus.RUNNING)
        return self.status == TaskResultStatus.READY and self.attempt == 0


class Dependency(models.Model):
    """That a job waits, or has waited, for an earlier one; it goes with the job that waits.

    Where that is a job waits in front of its gate until all that it names here have succeeded. A job may be named
    twice: it is waited for once, and its value is handed on in both places.
    """

    id = models.BigAutoField(primary_key=True)
    job_id = models.UUIDField(_("job"))
    after_id = models.UUIDField(_("earlier job"), db_index=True)
    position = models.PositiveIntegerField(_("position"))
    on_failure = models.CharField(_("if the earlier one fails"), max_length=8)

    class Meta:
        verbose_name = _("dependency")
        verbose_name_plural = _("dependencies")
        ordering: ClassVar = ["job_id", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job_id", "position"], name="jobqueue_dependency_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} after {self.after_id}"


class Tag(models.Model):
    """A word by which people find a job; it goes with the job. Workers know nothing of it."""

    id = models.BigAutoField(primary_key=True)
    job_id = models.UUIDField(_("job"), db_index=True)
    name = ExactCharField(_("tag"), max_length=LONGEST_TAG)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "job_id"], name="jobqueue_tag_once"),
        ]

    def __str__(self) -> str:
        return on_one_line(f"{self.job_id} {self.name}")


class Attempt(models.Model):
    """One claim of a job that outlived a renewal or did not end well.

    A job that succeeds before its first renewal leaves no row here; its own row tells as much. Number gaps are claims
    that left no trace worth keeping. A row without an owner is no claim: it tells why a job ended that never began.
    """

    id = models.BigAutoField(primary_key=True)
    job_id = models.UUIDField(_("job"))
    number = models.PositiveIntegerField(_("fence number"))
    token = models.UUIDField(_("fence token"))
    worker_id = ExactCharField(_("owner"), max_length=128)
    pid = models.PositiveIntegerField(_("pid"), null=True, blank=True)
    started_at = MomentField(_("started at"), null=True, blank=True)
    renewed_at = MomentField(_("renewed at"), null=True, blank=True)
    ended_at = MomentField(_("ended at"), null=True, blank=True)
    renewals = models.PositiveIntegerField(_("renewals"), default=0)
    progress = StrictJSONField(_("progress"), null=True, blank=True)
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


class AttemptLog(models.Model):
    """The last lines that the body of a job logged under a claim; none is there of one that logged nothing.

    Not a part of the attempt: most jobs that succeed have no row there, and none is to get one by what it logs.
    """

    id = models.BigAutoField(primary_key=True)
    job_id = models.UUIDField(_("job"))
    token = models.UUIDField(_("fence token"))
    lines = ExactTextField(_("lines"), blank=True)

    class Meta:
        verbose_name = _("log of an attempt")
        verbose_name_plural = _("logs of attempts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job_id", "token"], name="jobqueue_log_once"),
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.job_id} {self.token}"


class LedgerEntry(models.Model):
    """That something happened, kept longer than the job that did it; unique, so it cannot happen twice."""

    id = models.BigAutoField(primary_key=True)
    scope = ExactCharField(_("scope"), max_length=300)
    key = ExactCharField(_("key"), max_length=255)
    job_id = models.UUIDField(_("job"), db_index=True)
    attempt = models.PositiveIntegerField(_("fence number"), default=0)
    fingerprint = models.CharField(_("fingerprint of the arguments"), max_length=64, blank=True)
    value = StrictJSONField(_("value"), null=True, blank=True)
    created_at = MomentField(_("created at"))
    expires_at = MomentField(_("expires at"), null=True, blank=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            PartialIndex(only=models.Q(expires_at__isnull=False), fields=["expires_at"], name="jobqueue_key_expires"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "key"], name="jobqueue_ledger_once"),
        ]

    def __str__(self) -> str:
        return on_one_line(f"{self.scope} {self.key}")


class KeyLock(models.Model):
    """What those wait at, on MariaDB and MySQL, who enqueue unique jobs with the same keys at once.

    A row stands for all keys that begin with its number; it is made when one of them is first asked for, and stays.
    """

    DIGITS = 4

    id = models.PositiveIntegerField(primary_key=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk:0{self.DIGITS}x}"


class Worker(models.Model):
    """One `runworkers`: the row that it updates by the database's clock for as long as it lives."""

    id = ExactCharField(_("id"), max_length=128, primary_key=True)
    name = ExactCharField(_("name"), max_length=100)
    hostname = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("pid"))
    backend = models.CharField(_("backend"), max_length=64)
    queues = StrictJSONField(_("queues"), default=list)
    concurrency = models.PositiveIntegerField(_("concurrency"))
    seats = models.PositiveIntegerField(_("seats"))
    lease_seconds = models.FloatField(_("lease"), help_text=_("Seconds."))
    version = models.CharField(_("version"), max_length=32, blank=True)
    executors = StrictJSONField(_("executors"), default=list)
    started_at = MomentField(_("started at"))
    heartbeat_at = MomentField(_("heartbeat at"), db_index=True)
    stopped_at = MomentField(_("stopped at"), null=True, blank=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return on_one_line(self.id)

    def queue_names(self) -> list[str]:
        """Return the words of the queues that it serves, none when it serves every one; see `queues`."""
        return [str(word) for word in self.queues] if isinstance(self.queues, list) else []

    def serves(self, queue: str) -> bool:
        """Return whether it takes jobs of a queue of its backend."""
        try:
            return Queues(self.queue_names()).serves(queue)
        except ValueError:
            return False  # Somebody else has written to the row.


class Missed(models.TextChoices):
    """What becomes of ticks that no worker was there for."""

    LAST = LAST, _("last: run once for all of them")
    SKIP = SKIP, _("skip: run only what is not too late")
    ALL = ALL, _("all: run for each of the last ones")


class Schedule(models.Model):
    """A task that is enqueued again and again: at each tick of a rhythm, once, by whichever worker comes first."""

    id = models.BigAutoField(primary_key=True)
    name = ExactCharField(_("name"), max_length=LONGEST_NAME, unique=True)
    task_path = ExactCharField(_("task"), max_length=255)
    arguments = StrictJSONField(_("arguments"), default=no_arguments, help_text=_('{"args": […], "kwargs": {…}}'))
    cron = models.CharField(
        _("cron"), max_length=LONGEST_CRON, blank=True, help_text=_("Minute, hour, day of month, month, day of week.")
    )
    every = models.PositiveIntegerField(
        _("every"), null=True, blank=True, help_text=_("Seconds between two ticks; instead of cron.")
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=default_time_zone, help_text=_("In which cron is read: Europe/Berlin.")
    )
    starts_at = MomentField(
        _("starts at"), null=True, blank=True, help_text=_("Empty is now. “Every” counts from here.")
    )
    ends_at = MomentField(_("ends at"), null=True, blank=True)
    queue = ExactCharField(_("queue"), max_length=128, blank=True, help_text=_("Empty is that of the task."))
    priority = models.SmallIntegerField(_("priority"), null=True, blank=True, help_text=_("Empty is that of the task."))
    missed = models.CharField(_("missed ticks"), max_length=8, choices=Missed.choices, default=Missed.LAST)
    most = models.PositiveIntegerField(
        _("at most"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text=_("For “all”: of so many missed ticks, the last ones."),
    )
    grace = models.PositiveIntegerField(
        _("grace"), default=60, help_text=_("For “skip”: seconds that a tick may be late and still run.")
    )
    paused = models.BooleanField(_("paused"), default=False, editable=False)
    declared = models.BooleanField(_("declared in code"), default=False, editable=False)
    next_at = MomentField(_("next"), null=True, db_index=True, editable=False)
    last_tick_at = MomentField(_("last tick"), null=True, editable=False)
    last_run_at = MomentField(_("last run"), null=True, editable=False)
    last_job_id = models.UUIDField(_("last job"), null=True, editable=False)
    fault = ExactTextField(_("fault"), blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering: ClassVar = ["name"]
        permissions: ClassVar = [("run_schedule", "Can run, pause and resume schedule")]

    # What ticks write; a form that was opened before must not write it back.
    CLOCKWORK: ClassVar = ("paused", "next_at", "last_tick_at", "last_run_at", "last_job_id", "fault")
    RHYTHM: ClassVar = ("cron", "every", "time_zone", "starts_at", "ends_at")

    def __str__(self) -> str:
        return on_one_line(self.name)

    def save(self, **options: Any) -> None:
        """Store the row; when its rhythm is new or another one, the next tick is reckoned from now, by the database.

        What ticks have written since the row was read stays as it is.
        """
        if options.get("update_fields") is not None:
            super().save(**options)
            return
        using = options.get("using") or alias()
        with transaction.atomic(using=using):
            connection = connections[using]
            take_write_lock(connection)
            now = clock(connection)
            self.starts_at = self.starts_at or now.replace(microsecond=0)
            rows = type(self).objects.using(using)
            stored = rows.select_for_update().filter(pk=self.pk).first() if self.pk else None
            if stored is None:
                self.next_at = self.plan.timetable().after(now)
                super().save(**options)
                return
            fields = {field.name for field in self._meta.concrete_fields} - {"id", *self.CLOCKWORK}
            super().save(**{**options, "force_insert": False, "update_fields": fields})
            rhythm = any(getattr(self, name) != getattr(stored, name) for name in self.RHYTHM)
            self.next_at = self.plan.timetable().after(now) if rhythm else stored.next_at
            # It is looked at anew; and a clock that was ahead for a while is to silence no other rhythm.
            changes: dict[str, Any] = {"next_at": self.next_at, "fault": ""}
            if rhythm and stored.last_tick_at is not None and stored.last_tick_at > now:
                changes["last_tick_at"] = now
            rows.filter(pk=self.pk).update(**changes)

    @property
    def plan(self) -> Plan:
        """What it says, apart from the row."""
        return Plan(**{name: getattr(self, name) for name in PLAN_FIELDS})

    def clean(self) -> None:
        """Raise ValidationError, saying what to do, for what could not be enqueued or would never tick."""
        super().clean()
        self.cron = " ".join(self.cron.split())
        if not is_known(self.task_path):
            discover()  # A web process may not have imported the module that declares it.
        if mistakes := self.plan.mistakes():
            raise ValidationError(mistakes)

    def coming(self, count: int) -> list[datetime]:
        """Return the next ticks from now on, in its own time zone: none when it is over, or could not tick at all."""
        if self.next_at is None:
            return []
        try:
            zone, table = zone_of(self.time_zone), self.plan.timetable(self.next_at)
        except ValueError:
            return []
        now = timezone.now()
        after = now if self.next_at <= now else self.next_at - timedelta(microseconds=1)
        return [tick.astimezone(zone) for tick in table.coming(after, count)]

    @property
    def rhythm(self) -> str:
        """When it ticks, as in ``0 3 * * *`` or ``every 300 s``."""
        return self.cron if self.every is None else f"every {self.every} s"


class Tally(models.Model):
    """What was counted of a task in a queue, in the span that begins at a moment: a minute, an hour or a day.

    A span of 0 is of a row as a worker wrote it, in that minute. Names are empty where they are not known.
    """

    id = models.BigAutoField(primary_key=True)
    span = models.PositiveIntegerField(_("span"), help_text=_("Seconds."))
    at = MomentField(_("at"))
    backend = ExactCharField(_("backend"), max_length=64)
    queue = ExactCharField(_("queue"), max_length=128, blank=True)
    task_path = ExactCharField(_("task"), max_length=255, blank=True)
    succeeded = models.PositiveBigIntegerField(_("succeeded"), default=0)
    failed = models.PositiveBigIntegerField(_("failed"), default=0)
    raised = models.PositiveBigIntegerField(_("attempts that raised"), default=0)
    crashed = models.PositiveBigIntegerField(_("attempts that crashed"), default=0)
    renewed = models.PositiveBigIntegerField(_("renewals"), default=0)
    rescued = models.PositiveBigIntegerField(_("rescued"), default=0)
    refused = models.PositiveBigIntegerField(_("refused late writes"), default=0)
    waits = StrictJSONField(_("waits"), default=list)
    runs = StrictJSONField(_("run times"), default=list)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["at", "span"], name="jobqueue_tally_at")]
        default_permissions = ()

    def __str__(self) -> str:
        return on_one_line(f"{self.task_path} {self.queue} {self.at}")


class SavedView(models.Model):
    """A filter of the list of jobs that somebody keeps under a name of theirs.

    Whose it is, the key of the user tells, as text: users may be in another database.
    """

    id = models.BigAutoField(primary_key=True)
    user = ExactCharField(_("user"), max_length=64)
    name = ExactCharField(_("name"), max_length=60)
    query = ExactCharField(_("query"), max_length=1000)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="jobqueue_view_once"),
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return on_one_line(self.name)
