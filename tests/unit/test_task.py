"""Tasks: their options, using(), and the registry through which alone a path becomes a function."""

import pickle
import sys
from datetime import UTC, datetime

import pytest
from django.tasks import task
from django.tasks.exceptions import InvalidTask

from jobqueue.errors import InvalidIdempotencyKey, UnknownTask
from jobqueue.task import JobTask, find, registered
from tests.app import tasks


def plain(): ...


def test_options_are_plain_keywords_of_the_decorator():
    made = task(max_attempts=5, timeout=60, effects="steps", priority=7, queue_name="mail")(plain)
    assert isinstance(made, JobTask)
    assert (made.max_attempts, made.timeout, made.effects, made.priority) == (5, 60, "steps", 7)


def test_an_unknown_option_is_answered_with_the_one_that_was_meant():
    with pytest.raises(TypeError, match=r"@task got an unknown option 'max_attempt'\. Did you mean 'max_attempts'\?"):
        task(max_attempt=5)(plain)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"effects": "atomc"}, "effects='atomc' is unknown. Did you mean 'atomic'?"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"retention_days": -1}, "retention_days must be a number of days, math.inf, or None, not -1"),
        ({"retention_days": "7"}, "retention_days"),
        ({"backoff": 5}, "backoff"),
        ({"retry_on": OSError}, r"retry_on must be a tuple of classes of exceptions, as in \(OSError,\)"),
        ({"retry_on": (OSError, "ValueError")}, "retry_on"),
        ({"give_up_on": [OSError]}, "give_up_on"),
        ({"give_up_on": None}, "give_up_on"),
        ({"queue_name": "nowhere"}, "nowhere"),
        ({"priority": 101}, "riority"),
    ],
)
def test_a_bad_value_is_refused_when_the_task_is_declared(options, why):
    with pytest.raises(InvalidTask, match=why):
        task(**options)(plain)


def test_using_changes_a_copy():
    due = datetime(2030, 1, 1, tzinfo=UTC)
    copy = tasks.add.using(priority=5, queue_name="mail", run_after=due, idempotency_key="k")
    assert (copy.priority, copy.queue_name, copy.run_after, copy.idempotency_key) == (5, "mail", due, "k")
    assert (tasks.add.priority, tasks.add.idempotency_key) == (0, None)


def test_using_keeps_what_it_is_not_told():
    copy = tasks.add.using(priority=5).using(queue_name="mail")
    assert (copy.priority, copy.queue_name) == (5, "mail")


def test_using_refuses_what_a_caller_cannot_choose():
    with pytest.raises(TypeError, match=r"using\(\) got an unknown option 'priorty'. Did you mean 'priority'?"):
        tasks.add.using(priorty=5)
    with pytest.raises(TypeError, match="unknown option 'max_attempts'"):
        tasks.add.using(max_attempts=5)


@pytest.mark.parametrize("key", ["", "a\0b", 42, "x" * 256])
def test_a_key_that_cannot_be_stored_is_refused(key):
    with pytest.raises((InvalidIdempotencyKey, InvalidTask)):
        tasks.add.using(idempotency_key=key)


def test_a_naive_time_is_refused():
    with pytest.raises(InvalidTask, match="aware"):
        tasks.add.using(run_after=datetime(2030, 1, 1))


def test_a_task_survives_a_pickle():
    copy = pickle.loads(pickle.dumps(tasks.add.using(priority=5, idempotency_key="k")))
    assert copy == tasks.add.using(priority=5, idempotency_key="k")


def test_a_declared_task_is_found_by_its_path():
    assert find("tests.app.tasks.add") is tasks.add
    assert tasks.add in registered()


def test_a_copy_does_not_take_the_place_of_what_was_declared():
    tasks.add.using(priority=9)
    assert find("tests.app.tasks.add").priority == 0


@pytest.mark.parametrize("path", ["antigravity.fly", "os.system", "tests.app.tasks.Counter", "tests.app.tasks", ""])
def test_a_path_of_a_row_is_never_imported(path):
    with pytest.raises(UnknownTask, match="registered in this process"):
        find(path)
    assert "antigravity" not in sys.modules
