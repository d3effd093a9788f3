"""A test may run a worker: the processes of it work on the test's database too, not on the one that settings name.

And the process that ran it is as it was before.
"""

from __future__ import annotations

import signal

import pytest
from django.core.management import call_command
from django.db import connection

from jobqueue.worker.supervisor import STOPPING
from tests.app.models import Counter
from tests.app.tasks import add


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_test_writes_to_its_database() -> None:
    counter = Counter.objects.create(name="visits")
    result = add.using(backend="plain").enqueue(counter.pk)
    call_command("runworkers", backend="plain", burst=True, concurrency=1, reload=False)
    result.refresh()
    counter.refresh_from_db()
    assert (result.status, counter.value) == ("SUCCESSFUL", 1)


@pytest.mark.django_db(transaction=True)
def test_what_a_test_does_next_may_be_interrupted() -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    call_command("runworkers", backend="plain", burst=True, concurrency=1, reload=False)
    assert [signal.getsignal(number) for number in STOPPING] == before


# How many of its settings a session has otherwise than the server gives them.
CHANGED = {
    "postgresql": "SELECT count(*) FROM pg_settings WHERE setting <> reset_val AND name IN "
    "('idle_in_transaction_session_timeout', 'lock_timeout', 'application_name')",
    "mysql": "SELECT (@@innodb_lock_wait_timeout <> @@global.innodb_lock_wait_timeout) + "
    "(@@lock_wait_timeout <> @@global.lock_wait_timeout)",
}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="It has no sessions.")
@pytest.mark.django_db(transaction=True)
def test_what_a_test_does_next_may_take_its_time() -> None:
    call_command("runworkers", backend="plain", burst=True, concurrency=1, reload=False)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(CHANGED[connection.vendor])
        assert cursor.fetchone() == (0,)
