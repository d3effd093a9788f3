"""Tasks and results go through pipes and caches: whatever a task was declared with comes back."""

import pickle
from datetime import timedelta

import pytest
from django.tasks import task
from django.utils import timezone

from tests.app.tasks import echo
from tests.effects.runs import Stage


@task(
    backoff=lambda error, result: 0,
    retry_on=(LookupError,),
    give_up_on=(EOFError,),
    timeout=2.5,
    max_attempts=7,
    effects="steps",
    takes_context=True,
)
def declared_in_full(context):
    raise LookupError


def there_and_back(value):
    return [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]


def test_a_task_with_everything():
    later = timezone.now() + timedelta(hours=1)
    used = declared_in_full.using(priority=5, queue_name="mail", run_after=later, idempotency_key="k", backend="plain")
    for given in (declared_in_full, used):
        for came in there_and_back(given):
            assert came == given
            assert came.backoff is declared_in_full.backoff
            assert (came.retry_on, came.give_up_on) == ((LookupError,), (EOFError,))


@pytest.mark.django_db(transaction=True)
def test_a_result_in_every_state():
    stage = Stage()
    run = stage.perform(declared_in_full)
    for result in (echo.enqueue({"a": [1]}), run.result, stage.again(declared_in_full).result):
        for came in there_and_back(result):
            assert came == result
            assert (came.errors, came.worker_ids) == (result.errors, result.worker_ids)
            came.refresh()
