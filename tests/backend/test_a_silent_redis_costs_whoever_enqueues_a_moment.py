"""The job is safe once it is committed; a server that does not answer is asked once in a while, and briefly."""

import time

import pytest

from jobqueue.models import Job
from tests.app.tasks import echo
from tests.effects.emptied import transactional_db as transactional_db


@pytest.fixture
def silent(own_redis, settings, transactional_db):
    """Let Redis accept connections and say nothing."""
    settings.CACHES = {"own": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    settings.TASKS = {
        "default": {
            "BACKEND": "jobqueue.backend.JobQueueBackend",
            "OPTIONS": {"REDIS": "own", "KEY_PREFIX": own_redis.url.rpartition(":")[2].replace("/", ":")},
        }
    }
    own_redis.pause()


def seconds(deed):
    began = time.monotonic()
    deed()
    return time.monotonic() - began


def test_less_than_a_second_and_then_nothing(silent):
    assert seconds(lambda: echo.enqueue(1)) < 1
    # For five seconds it is not asked again.
    assert seconds(lambda: [echo.enqueue(n) for n in range(20)]) < 1
    assert seconds(lambda: echo.enqueue_many([((n,), {}) for n in range(20)])) < 1
    assert Job.objects.count() == 41
