"""How long the admin's pages take with a million jobs. Run as a program, it is who looks at them.

Figures are milliseconds from the request to the whole answer, in the process of the server; the network is not in them.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from ..place import Place
from ..plan import Plan
from .growth import insert

# So many jobs of each status.
JOBS = {"SUCCESSFUL": 960_000, "READY": 20_000, "FAILED": 19_800, "RUNNING": 200}
_OUTCOMES = {"SUCCESSFUL": "ok", "FAILED": "raised"}
# Every how many jobs has a tag.
TAGS = {"common": 5, "rare": 50_000}
TIMES = 5


def pages(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the median milliseconds of each page."""
    place.clear()
    for status, count in JOBS.items():
        insert(place, plan.jobs(count), status, _OUTCOMES.get(status, ""))
    for name, share in TAGS.items():
        place.database.ask(
            "INSERT INTO jobqueue_tag (job_id, name)"
            " SELECT id, %s FROM jobqueue_job WHERE hashtext(id::text) %% %s = 0",
            *(name, share),
        )
    place.database.ask("VACUUM ANALYZE jobqueue_job, jobqueue_tag")
    try:
        return place.told_by(__name__, DJANGO_SETTINGS_MODULE="project.settings", DEBUG="0")
    finally:
        place.clear()


def _look() -> dict[str, float]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client
    from django.test.utils import setup_test_environment
    from django.urls import reverse

    from jobqueue.models import Job

    setup_test_environment()
    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    jobs = reverse("admin:jobqueue_job_changelist")
    addresses = {
        "overview": reverse("admin:app_list", args=["jobqueue"]),
        "all jobs": jobs,
        "failed jobs": f"{jobs}?status=FAILED",
        "jobs of a queue": f"{jobs}?queue=default",
        "jobs of a common tag": f"{jobs}?tag=common",
        "jobs of a rare tag": f"{jobs}?tag=rare",
        "jobs by an argument": f"{jobs}?q=arg:1",
        "job": reverse("admin:jobqueue_job_change", args=[Job.objects.failed().first().pk]),  # type: ignore[union-attr]
        "failures": reverse("admin:jobqueue_job_failures"),
        "plots": reverse("admin:jobqueue_job_plots"),
        "workers": reverse("admin:jobqueue_worker_changelist"),
        "queues": reverse("admin:jobqueue_pausedqueue_changelist"),
    }
    return {name: statistics.median(_milliseconds(client, address)) for name, address in addresses.items()}


def _milliseconds(client: Any, address: str) -> list[float]:
    client.get(address)  # What is looked up once in a process has been.
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(address)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, address
    return took


if __name__ == "__main__":
    print(json.dumps(_look()))
