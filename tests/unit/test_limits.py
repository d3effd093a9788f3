"""What tasks say of their limits, and how rates and shared keys are reckoned."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from django.tasks import task
from django.tasks.exceptions import InvalidTask

from jobqueue import limits
from jobqueue.errors import InvalidLimitKey
from jobqueue.limits import FREE, Allowance, Policies, Rate
from tests.app import limited_tasks as limited
from tests.app import tasks

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def plain(*args, **kwargs): ...


def after(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number"),
        ({"concurrency": True}, "concurrency must be a whole number"),
        ({"concurrency": "3"}, "concurrency must be a whole number"),
        ({"concurrency": {"limit": 1.5}}, "concurrency must be a whole number"),
        ({"concurrency": {"key": "a"}}, 'concurrency needs a "limit"'),
        ({"concurrency": {"kye": "a", "limit": 1}}, "unknown entry 'kye'. Did you mean 'key'?"),
        ({"concurrency": {"key": "", "limit": 1}}, 'The "key" of concurrency must be'),
        ({"concurrency": {"key": "a\0", "limit": 1}}, 'The "key" of concurrency must be'),
        ({"concurrency": {"key": "a" * 400, "limit": 1}}, 'The "key" of concurrency must be'),
        ({"concurrency": {"key": 7, "limit": 1}}, 'The "key" of concurrency must be'),
        ({"rate": "fast"}, 'rate must be like "100/m"'),
        ({"rate": "0/s"}, 'rate must be like "100/m"'),
        ({"rate": "1/0s"}, 'rate must be like "100/m"'),
        ({"rate": "-1/s"}, 'rate must be like "100/m"'),
        ({"rate": 100}, 'rate must be like "100/m"'),
        ({"rate": {"limit": "1/y"}}, 'rate must be like "100/m"'),
        ({"rate": {"key": "a"}}, 'rate needs a "limit"'),
        ({"rate": {"key": "a", "limit": "1/s"}, "concurrency": {"key": "b", "limit": 1}}, "count under one key"),
    ],
)
def test_a_bad_limit_is_refused_when_the_task_is_declared(options, why):
    with pytest.raises(InvalidTask, match=why):
        task(**options)(plain)


@pytest.mark.parametrize(
    ("words", "number", "seconds"),
    [("100/m", 100, 60), ("5/10s", 5, 10), ("1/s", 1, 1), ("7/h", 7, 3600), ("2/2d", 2, 172_800)],
)
def test_rates_are_read(words, number, seconds):
    made = task(rate=words)(plain)
    assert limits.declared(made.concurrency, made.rate).allowance == Allowance(None, Rate(number, seconds))


def test_both_limits_count_under_one_key():
    one = task(concurrency={"key": "api", "limit": 3}, rate="10/s")(plain)
    other = task(concurrency=3, rate={"key": "api", "limit": "10/s"})(plain)
    both = task(concurrency={"key": "api", "limit": 3}, rate={"key": "api", "limit": "10/s"})(plain)
    found = [limits.declared(made.concurrency, made.rate) for made in (one, other, both)]
    assert found == [("api", Allowance(3, Rate(10, 1)))] * 3


def test_keys_of_a_task_of_its_callable_and_of_several_tasks():
    path = limited.serve.module_path
    assert limits.key_of(tasks.echo, [1], {}) == ""
    assert limits.key_of(limited.alone, [1], {}) == limited.alone.module_path
    assert limits.key_of(limited.paint, [], {}) == limits.key_of(limited.draw, [], {}) == ":printer"
    assert limits.key_of(limited.serve, ["Anna"], {"more": 1}) == f"{path}:anna"


@pytest.mark.parametrize("answer", [None, 7, "", "a\0b", "\ud800", "a" * 400])
def test_what_a_callable_returns_is_looked_at(answer):
    made = task(concurrency={"key": lambda *_: answer, "limit": 1})(plain)
    with pytest.raises(InvalidLimitKey, match="must be a text of 1 to"):
        limits.key_of(made, [], {})


def test_an_error_of_a_callable_is_one_of_the_enqueue():
    with pytest.raises(InvalidLimitKey, match="AttributeError was raised by its callable") as caught:
        limited.serve.enqueue(7)
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(InvalidLimitKey):
        limited.serve.enqueue_many([(("Anna",), {}), ((7,), {})])


def test_a_task_with_limits_has_a_hash_and_survives_a_pickle():
    copy = pickle.loads(pickle.dumps(limited.serve.using(priority=5)))
    assert copy == limited.serve.using(priority=5)
    assert hash(copy) == hash(limited.serve.using(priority=5))


def test_a_shared_key_is_held_to_the_strictest():
    policies = Policies([limited.draw, limited.paint, limited.serve, tasks.echo])
    assert policies.of(":printer") == Allowance(most=2)
    assert policies.of(f"{limited.serve.module_path}:anna") == Allowance(most=1)
    assert policies.of(tasks.echo.module_path) == FREE
    assert policies.of("unknown.task:a") is None
    assert policies.paths_of("unknown.task:a") == []
    assert policies.paths_of(limited.serve.module_path) == [limited.serve.module_path]
    # A key that was shared before a deploy: its jobs tell by their task.
    assert policies.of(":plotter") is None
    assert policies.of_job(":plotter", limited.paint.module_path) == Allowance(most=2)
    assert policies.of_job(":plotter", tasks.echo.module_path) == FREE
    assert set(policies.paths_of(":plotter")) == {
        t.module_path for t in (limited.draw, limited.paint, limited.serve, tasks.echo)
    }
    assert policies.limit_anything()
    assert not Policies([tasks.echo]).limit_anything()


def test_one_begins_in_each_interval():
    rate = Rate(100, 60)
    assert rate.burst == 1
    assert rate.turns(None, NOW) == 1
    assert rate.turns(after(-3600), NOW) == 1
    assert rate.turns(NOW, NOW) == 1
    assert rate.turns(after(0.001), NOW) == 0
    assert rate.wait(after(0.25), NOW) == pytest.approx(0.25)
    assert rate.after(None, NOW, 1) == after(0.6)
    assert rate.after(after(-100), NOW, 1) == after(0.6)


def test_a_fast_rate_lets_a_quarter_of_a_second_begin_together_and_no_more():
    rate = Rate(40, 1)
    assert rate.burst == rate.turns(None, NOW) == 10
    due = rate.after(None, NOW, 10)
    assert rate.turns(due, NOW) == 0
    assert rate.turns(due, after(0.0249)) == 0
    assert rate.turns(due, after(0.025)) == 1
    assert rate.turns(due, after(0.1)) == 4
    assert rate.turns(due, after(99)) == 10


def test_in_no_window_do_more_begin_than_the_rate_and_one_burst():
    rate, due, began = Rate(7, 1), None, []
    for step in range(3000):
        now = after(step * 0.013)
        if count := rate.turns(due, now):
            due = rate.after(due, now, count)
            began += [now] * count
    for number, at in enumerate(began):
        within = sum(1 for other in began[number:] if other < at + timedelta(seconds=5))
        assert within <= 5 * 7 + rate.burst
    assert len(began) >= 3000 * 0.013 * 7 - 2


@pytest.mark.parametrize("ahead", [1.62, 86_400])
def test_a_turn_that_is_too_far_ahead_to_be_one_of_this_rate_is_none(ahead):
    """The rate was slower when it was taken, or the clock has been set back: the first job sets the row right."""
    rate = Rate(100, 60)
    assert (rate.turns(after(ahead), NOW), rate.wait(after(ahead), NOW)) == (1, 0)
    assert rate.after(after(ahead), NOW, 1) == after(0.6)
    assert (rate.turns(after(0.6), NOW), rate.wait(after(0.6), NOW)) == (0, pytest.approx(0.6))
