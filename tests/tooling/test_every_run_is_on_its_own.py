import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests.app.models import Counter
from tests.processes import ROOT


@pytest.mark.django_db
def test_the_database_and_the_keys_carry_the_name_of_the_run():
    run = os.environ["JOBQUEUE_TEST_RUN"]
    assert run in str(connection.settings_dict["NAME"])
    assert run in settings.TASKS["default"]["OPTIONS"]["KEY_PREFIX"]


def test_no_two_xdist_processes_and_no_two_backends_share_keys():
    prefixes = {settings.TASKS[alias]["OPTIONS"]["KEY_PREFIX"] for alias in ("default", "plain")}
    assert len(prefixes) == 2
    assert all(os.environ.get("PYTEST_XDIST_WORKER", "main") in prefix for prefix in prefixes)


def test_a_real_redis_is_there():
    cache.set("key", "value", 10)
    assert cache.get("key") == "value"
    cache.delete("key")


@pytest.mark.django_db(transaction=True)
def test_another_process_sees_what_a_test_commits():
    Counter.objects.create(name="shared", value=41)
    code = (
        "import django; django.setup()\n"
        "from django.db.models import F\n"
        "from tests.app.models import Counter\n"
        "Counter.objects.filter(name='shared').update(value=F('value') + 1)\n"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "JOBQUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
    }
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, timeout=60)
    assert Counter.objects.get(name="shared").value == 42
