"""Workers: who is there, alive or not, and what each of them runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..database import DatabaseNow, alias
from ..models import Job, Worker
from . import cells
from .glance import now_of
from .inert import inert
from .liveness import heartbeat_age, shape_of
from .readonly import ReadOnlyAdmin
from .signs import executors_of
from .states import mark
from .times import between, moment

_WORDS = {"alive": _("alive"), "dead": _("dead"), "stopped": _("stopped")}
_JOBS_SHOWN = 100


class StateFilter(admin.SimpleListFilter):
    """Alive, dead or stopped."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the three."""
        return list(_WORDS.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the workers in that state. They are few, so that each may be judged by itself."""
        if self.value() is None:
            return queryset
        workers = Worker.objects.using(alias()).annotate(now=DatabaseNow())
        return queryset.filter(pk__in=[worker.pk for worker in workers if shape_of(worker) == self.value()])


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Shows workers by their rows, which they update for as long as they live."""

    list_display = ("worker", "state", "heartbeat", "busy", "serves", "host", "uptime", "release")
    list_filter = (StateFilter,)
    search_fields = ("id", "hostname")
    sortable_by = ("uptime",)
    fields = (
        "state",
        "heartbeat",
        "serves",
        "host",
        "concurrency",
        "seats",
        "process_table",
        "running_jobs",
        "started",
        "beat",
        "stopped",
        "release",
    )
    readonly_fields = fields

    def prepare(self, rows: list[Any]) -> list[str]:
        """Count the running jobs of every worker of the page, in one query."""
        running = Job.objects.using(alias()).running().filter(worker_id__in=[worker.pk for worker in rows])
        counts = dict(running.order_by().values_list("worker_id").annotate(count=Count("pk")))
        for worker in rows:
            worker.__dict__["running"] = counts.get(worker.pk, 0)
        return []

    @admin.display(description=_("worker"))
    def worker(self, worker: Worker) -> SafeString:
        """Return the worker's id."""
        return inert(worker.pk)

    @admin.display(description=_("state"))
    def state(self, worker: Worker) -> SafeString:
        """Return whether it is alive."""
        shape = shape_of(worker)
        return mark(shape, str(_WORDS[shape]))

    @admin.display(description=_("heartbeat"))
    def heartbeat(self, worker: Worker) -> SafeString:
        """Return the age of its last sign of life, against the lease period after which it counts as dead."""
        age = heartbeat_age(worker)
        if worker.stopped_at:
            return format_html(
                "{}", __("signed off %(time)s ago") % {"time": between(worker.stopped_at, now_of(worker))}
            )
        return cells.heartbeat(age, worker.lease_seconds)

    @admin.display(description=_("running"))
    def busy(self, worker: Worker) -> SafeString:
        """Return how many jobs it runs, of how many it can run at once."""
        running = worker.__dict__["running"]
        text = f"{running} / {worker.seats}"
        return cells.jobs_link(text, status="RUNNING", worker_id=worker.pk) if running else format_html("{}", text)

    @admin.display(description=_("queues"))
    def serves(self, worker: Worker) -> SafeString:
        """Return the queues it serves, and the backend."""
        names = ", ".join(worker.queue_names())
        queues = inert(names) if names else format_html("<i>{}</i>", __("every queue"))
        return format_html('{}<small class="jq-detail">{}</small>', queues, inert(worker.backend))

    @admin.display(description=_("host"))
    def host(self, worker: Worker) -> SafeString:
        """Return where it runs."""
        pid = __("pid %(pid)s") % {"pid": worker.pid}
        return format_html('{}<small class="jq-detail">{}</small>', inert(worker.hostname), pid)

    @admin.display(description=_("uptime"), ordering="-started_at")
    def uptime(self, worker: Worker) -> SafeString:
        """Return how long it has been there."""
        end = worker.stopped_at or (now_of(worker) if shape_of(worker) == "alive" else worker.heartbeat_at)
        return moment(worker.started_at, between(worker.started_at, end))

    @admin.display(description=_("executors"))
    def process_table(self, worker: Worker) -> SafeString:
        """Return its executors, and what each ran at the last heartbeat."""
        rows = [
            (pid or cells.NOTHING, cells.link("job", job, inert(job, most=100)) if job else __("idle"))
            for pid, job in executors_of(worker)[:_JOBS_SHOWN]
        ]
        return _table((__("pid"), __("job")), rows)

    @admin.display(description=_("running jobs"))
    def running_jobs(self, worker: Worker) -> SafeString:
        """Return the jobs that the database says it owns."""
        jobs = Job.objects.using(alias()).running().filter(worker_id=worker.pk).defer("arguments", "result")
        now = now_of(worker)
        rows = [
            (cells.link("job", job.pk, str(job.pk)), cells.task_name(job.task_path), between(job.started_at, now))
            for job in jobs[:_JOBS_SHOWN]
        ]
        return _table((__("job"), __("task"), __("for")), rows)

    @admin.display(description=_("version"))
    def release(self, worker: Worker) -> SafeString:
        """Return the version of jobqueue that it runs."""
        return inert(worker.version)

    @admin.display(description=_("started at"))
    def started(self, worker: Worker) -> SafeString:
        """Return when it started."""
        return moment(worker.started_at)

    @admin.display(description=_("heartbeat at"))
    def beat(self, worker: Worker) -> SafeString:
        """Return when it last gave a sign of life."""
        return moment(worker.heartbeat_at)

    @admin.display(description=_("stopped at"))
    def stopped(self, worker: Worker) -> SafeString:
        """Return when it signed off."""
        return moment(worker.stopped_at)


def _table(head: tuple[str, ...], rows: list[Any]) -> SafeString:
    if not rows:
        return cells.NOTHING
    cells_of = [format_html_join("", "<td>{}</td>", ((cell,) for cell in row)) for row in rows]
    return format_html(
        '<table class="jq-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", "<th>{}</th>", ((text,) for text in head)),
        format_html_join("", "<tr>{}</tr>", ((row,) for row in cells_of)),
    )
