"""Jobs that wait for others, with real workers: the last one runs once, whoever is killed on the way."""

import signal
import time
from uuid import UUID

from jobqueue import call, chain, group
from jobqueue.models import Job
from tests.app.models import Counter
from tests.app.tasks import aecho, boom, echo, total
from tests.waiting import wait_until


def rows_of(results):
    return Job.objects.filter(pk__in=[result.id for result in results])


def test_twenty_side_by_side_and_one_that_adds_up_with_a_worker_killed_on_the_way(start_on, backend_alias):
    counter = Counter.objects.create(name="total")
    parts = group(*(call(aecho.using(backend=backend_alias), number, 0.2) for number in range(20)))
    last = total.using(backend=backend_alias, after=parts).enqueue(counter.pk)
    victim = start_on(backend_alias, "--name", "victim", concurrency=2)
    start_on(backend_alias, "--name", "other", concurrency=2).wait_started()
    victim.wait_started()
    wait_until(lambda: rows_of(parts).filter(status="SUCCESSFUL").count() >= 4, 30)
    assert Job.objects.get(pk=last.id).gate == "after"
    victim.signal_group(signal.SIGKILL)

    wait_until(lambda: Job.objects.get(pk=last.id).status == "SUCCESSFUL", 30)
    assert rows_of(parts).filter(status="SUCCESSFUL").count() == 20
    counter.refresh_from_db()
    job = Job.objects.get(pk=last.id)
    assert (counter.value, job.result, job.attempt, job.crashes) == (sum(range(20)), 20, 1, 0)
    assert job.first_started_at >= max(rows_of(parts).values_list("finished_at", flat=True))


def test_a_chain_goes_on_without_delay_and_hands_on_what_was_returned(start_on, backend_alias):
    counter = Counter.objects.create(name="total")
    start_on(backend_alias).wait_started()
    use = {"backend": backend_alias}
    # Once a worker knows that there are jobs that wait, it looks right after the ends of others.
    first = chain(call(echo.using(**use), 1), call(total.using(**use), counter.pk))
    wait_until(lambda: Job.objects.get(pk=first.id).status == "SUCCESSFUL")
    began = time.monotonic()
    last = chain(call(echo.using(**use), 5), *[call(total.using(**use), counter.pk)] * 5)
    wait_until(lambda: Job.objects.get(pk=last.id).status == "SUCCESSFUL", every=0.02)
    assert time.monotonic() - began < 3.0
    counter.refresh_from_db()
    assert counter.value == 1 + 5 + 1 + 1 + 1 + 1


def test_what_waits_for_a_failure_is_never_begun(start_on, backend_alias):
    counter = Counter.objects.create(name="total")
    failing = boom.using(backend=backend_alias).enqueue()
    Job.objects.filter(pk=failing.id).update(failures=2)
    second = total.using(backend=backend_alias, after=[failing]).enqueue(counter.pk)
    third = total.using(backend=backend_alias, after=[second], on_failure="fail").enqueue(counter.pk)
    fourth = echo.using(backend=backend_alias, after=[third], on_failure="run").enqueue("all the same")
    worker = start_on(backend_alias)
    wait_until(lambda: Job.objects.get(pk=fourth.id).status == "SUCCESSFUL", 30)
    found = {str(job.pk): (job.status, job.outcome, job.attempt) for job in Job.objects.all()}
    assert found[failing.id] == ("FAILED", "raised", 1)
    assert found[second.id] == ("FAILED", "cancelled", 0)
    assert found[third.id] == ("FAILED", "dependency", 0)
    assert f"Job {second.id} was not begun and has ended" in worker.output


def test_one_that_dies_between_the_end_of_a_job_and_the_gate_behind_it_leaves_that_to_others(start_on, backend_alias):
    counter = Counter.objects.create(name="total")
    first = aecho.using(backend=backend_alias, queue_name="mail").enqueue(7, 0.5)
    last = total.using(backend=backend_alias, after=[first]).enqueue(counter.pk)
    victim = start_on(backend_alias, env={"JOBQUEUE_POINT": "judge.before=kill,role=worker"})
    assert victim.wait(30) == -signal.SIGKILL
    assert Job.objects.get(pk=first.id).status == "SUCCESSFUL"
    assert Job.objects.get(pk=last.id).gate == "after"
    start_on(backend_alias, "--queues", "default").wait_started()
    began = time.monotonic()
    wait_until(lambda: Job.objects.get(pk=last.id).gate == "", every=0.02)
    assert time.monotonic() - began < 3.0
    wait_until(lambda: Job.objects.get(pk=last.id).status == "SUCCESSFUL")
    counter.refresh_from_db()
    assert (counter.value, Job.objects.get(pk=UUID(last.id)).attempt) == (7, 1)
