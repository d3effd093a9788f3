"""The Django app: registers the system checks, and does as JOBQUEUE_POINT says."""

from __future__ import annotations

import os

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from . import logs, mishaps


class JobQueueConfig(AppConfig):
    """Jobs, leases and an idempotency ledger for Django."""

    name = "jobqueue"
    verbose_name = _("Job queue")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register Django's checks of task backends, which Django itself leaves to whoever imports django.tasks."""
        import django.tasks  # noqa: F401  (importing it registers its checks; the app registry is ready only now)

        from . import checks  # noqa: F401  (likewise)

        logs.install()
        register(mishaps.check, Tags.security, deploy=True)
        mishaps.obey(os.environ.get(mishaps.VARIABLE))
