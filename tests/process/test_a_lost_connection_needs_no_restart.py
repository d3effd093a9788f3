"""The server hangs up on every session of a worker. New ones are opened; nobody has to restart anything."""

from tests.app.sessions import hang_up, sessions_here
from tests.app.slow_tasks import hold, hold_in_steps, lose_the_connection, lose_the_connection_in_a_step
from tests.waiting import wait_until


def hang_up_on_all(at_least):
    """End every session but our own, once there are as many as the worker must have."""
    hang_up(wait_until(lambda: sessions if len(sessions := sessions_here()) >= at_least else None))


def check_that_nothing_was_restarted(worker):
    assert worker.poll() is None
    assert " is gone: " not in worker.output


def test_between_jobs(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias)
    first = enqueue(hold, 0, backend=backend_alias)
    first.check_done(runs=1)
    # The executor's, the dispatcher's, the heartbeat's.
    hang_up_on_all(at_least=3)
    second = enqueue(hold, 0, backend=backend_alias)
    row = second.wait_status("SUCCESSFUL")
    second.check_done(runs=row.failures + 1)
    assert row.crashes == 0
    assert {start.pid for start in second.starts} == {first.starts[0].pid}
    check_that_nothing_was_restarted(worker)


def test_while_jobs_are_running(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias, concurrency=2)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    wait_until(lambda: jobs[1].said("write"))
    hang_up_on_all(at_least=4)
    for job in jobs:
        job.let_go()
        # The body's next statement fails, and with it the attempt. That is no crash.
        row = job.wait_status("SUCCESSFUL")
        job.check_done(runs=row.failures + 1)
        assert row.crashes == 0
    check_that_nothing_was_restarted(worker)


def test_around_a_commit(start_on, enqueue):
    worker = start_on("plain", concurrency=2)
    tasks = (lose_the_connection, lose_the_connection_in_a_step)
    undone, done = ([enqueue(task, when, backend="plain") for task in tasks] for when in ("before", "behind"))
    for job in [*undone, *done]:
        row = job.wait_status("SUCCESSFUL")
        # A job may also begin on a connection that another has lost a moment ago, and then fails once more.
        job.check_done(runs=row.failures + 1)
        assert row.crashes == 0
        (cut,) = job.said("cut")
        begun_again = any(start.at > cut.at for start in job.starts)
        # What was committed is found to be, whatever the client was told.
        assert begun_again == (job in undone)
    check_that_nothing_was_restarted(worker)
