"""Jobs that take their process with them, each time: they are given up, and cost others nothing but a moment."""

import pytest

from jobqueue import results
from jobqueue.models import Job
from tests.app.models import Counter
from tests.app.slow_tasks import exit_at_once, segfault
from tests.app.tasks import add, echo
from tests.waiting import wait_until

MAX_CRASHES = 3


@pytest.mark.parametrize(
    ("task", "said"),
    [(exit_at_once, "ended with exit status 7"), (segfault, "was killed by signal 11")],
    ids=["os._exit", "segfault"],
)
def test_it_fails_after_three_crashes_while_others_are_done(start_on, enqueue, backend_alias, task, said):
    total = Counter.objects.create(name="others")
    # So short that executors are sent many ahead: the poison is in the middle of a batch.
    others = echo.using(backend=backend_alias).enqueue_many([((number,), {}) for number in range(200)])
    poison = enqueue(task, backend=backend_alias)
    others += echo.using(backend=backend_alias).enqueue_many([((number,), {}) for number in range(200)])
    others += add.using(backend=backend_alias).enqueue_many([((total.pk,), {})] * 10)
    worker = start_on(backend_alias, concurrency=2)

    row = poison.wait_status("FAILED")
    assert (row.outcome, row.crashes, row.failures) == ("crashed", MAX_CRASHES, 0)
    errors = results.get(str(poison.id)).errors
    assert [error.exception_class_path for error in errors] == ["jobqueue.errors.JobCrashed"] * MAX_CRASHES
    assert all(said in error.traceback for error in errors)
    assert len(poison.starts) == MAX_CRASHES
    poison.counter.refresh_from_db()
    assert poison.counter.value == 0

    rows = Job.objects.filter(pk__in=[result.id for result in others])
    wait_until(lambda: not rows.exclude(status="SUCCESSFUL").exists(), 20)
    assert not rows.filter(crashes__gt=0).exists()
    total.refresh_from_db()
    assert total.value == 10
    assert worker.poll() is None
