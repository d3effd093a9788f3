"""The Django app: registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobQueueConfig(AppConfig):
    """Jobs, leases and an idempotency ledger for Django."""

    name = "jobqueue"
    verbose_name = _("Job queue")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register Django's checks of task backends, which Django itself leaves to whoever imports django.tasks."""
        import django.tasks  # noqa: F401  (importing it registers its checks; the app registry is ready only now)

        from . import checks  # noqa: F401  (likewise)
