"""Two backends with the same keys take each other's hints: harmless, but jobs wait for the next look."""

import pytest
from django.tasks import task_backends

BACKEND = "jobqueue.backend.JobQueueBackend"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({}, {}, {"jobqueue.W004"}),
        ({"KEY_PREFIX": "x"}, {"KEY_PREFIX": "x"}, {"jobqueue.W004"}),
        ({}, {"KEY_PREFIX": "x"}, set()),
        ({}, {"REDIS": None}, set()),
        ({"REDIS": None}, {"REDIS": None}, set()),
    ],
)
def test_check_warns_once(settings, first, second, told):
    settings.TASKS = {
        "a": {"BACKEND": BACKEND, "OPTIONS": first},
        "b": {"BACKEND": BACKEND, "OPTIONS": second},
        "others": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"},
    }
    assert task_backends["a"].check() == []
    assert {message.id for message in task_backends["b"].check()} == told
