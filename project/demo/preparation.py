"""What has to be there before the site starts: tables, somebody who may log in, and jobs to look at.

To be imported once Django is set up.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from project.counters.models import Counter, Order
from project.counters.tasks import add_one, fail_twice

ADMIN = "admin"


class NotPrepared(Exception):
    """The demo cannot start; the message says what to do about it."""


def make_tables() -> None:
    """Create or update the tables; raises NotPrepared when the database cannot be used."""
    try:
        if connection.vendor == "sqlite":
            Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
    except (OperationalError, ImproperlyConfigured) as error:
        raise NotPrepared(
            f"The database cannot be used: {error}\nIt has to exist, and DATABASE_URL has to name it, "
            "as in postgres://user:password@127.0.0.1:5432/demo or mysql://…; without DATABASE_URL it is SQLite."
        ) from error


def make_admin() -> str:
    """Create the superuser unless it is there, and return what to say of its password."""
    if User.objects.filter(username=ADMIN).exists():
        return f"the password it was given before (.venv/bin/python manage.py changepassword {ADMIN} sets another)"
    password = secrets.token_urlsafe(9)
    User.objects.create_superuser(ADMIN, password=password)
    return f"password {password}"


def enqueue_samples() -> None:
    """Enqueue one job of each kind, but for the long one: the visitor is to start that."""
    with transaction.atomic():
        counter = Counter.shown()
        for task in (fail_twice, add_one):
            task.enqueue(counter.pk)
        Order.objects.create(item="tea")
