"""claim_limited and what it stands on: keys, slots that are counted and not kept, turns of a rate."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle, operations
from jobqueue.lifecycle import Ask
from jobqueue.limits import Allowance, Policies, Rate
from jobqueue.models import Gate, Job, Limit, TaskDefinition
from jobqueue.task import registered
from tests import rows
from tests.app import limited_tasks as limited
from tests.app import tasks

pytestmark = pytest.mark.django_db

PATHS = [task.module_path for task in registered()]
POLICIES = Policies(registered())


def enqueue(task, *args, **using):
    return rows.job(task.using(**using).enqueue(*args).id)


def keys(**changes):
    return lifecycle.waiting_keys(
        connection, **{"backend": "default", "queue": "default", "after": "", "limit": 100} | changes
    )


def claim(*names, room=10, worker_id="w-1", queue="default", allowance=None):
    lifecycle.look_at(connection, names)
    asks = {name: Ask(allowance or POLICIES.of(name), POLICIES.paths_of(name)) for name in names}
    taken = lifecycle.claim_limited(
        connection, backend="default", queue=queue, asks=asks, worker_id=worker_id, room=room
    )
    return taken.claims


ALONE = limited.alone.module_path
CALL = limited.call.module_path


def test_a_job_with_a_limit_waits_at_its_gate_under_its_key():
    jobs = [enqueue(limited.alone), enqueue(limited.paint), enqueue(limited.serve, "Anna"), enqueue(tasks.echo, 1)]
    assert [(job.gate, job.limit_key) for job in jobs] == [
        (Gate.LIMIT, ALONE),
        (Gate.LIMIT, ":printer"),
        (Gate.LIMIT, f"{limited.serve.module_path}:anna"),
        (Gate.OPEN, ""),
    ]
    assert rows.claim(paths=PATHS, limit=10)[0].job_id == jobs[3].pk


def test_many_are_enqueued_under_keys_of_their_own():
    limited.serve.enqueue_many([(("Anna",), {}), (("Bert",), {}), (("anna", 2), {"more": True})])
    path = limited.serve.module_path
    found = Job.objects.order_by("id").values_list("gate", "limit_key")
    assert list(found) == [("limit", f"{path}:anna"), ("limit", f"{path}:bert"), ("limit", f"{path}:anna")]
    values = {"priority": 3, "idempotency_key": "k"}
    limited.serve.enqueue_many([(("Dora",), {}, values), (("Emil",), {})])
    assert Job.objects.get(limit_key=f"{path}:dora", gate="limit").priority == 3
    assert Job.objects.get(limit_key=f"{path}:emil", gate="limit").priority == 0
    limited.paint.enqueue_many([((1,), {}), ((2,), {})])
    assert Job.objects.filter(limit_key=":printer", gate="limit").count() == 2
    tasks.echo.enqueue_many([((1,), {})])
    assert Job.objects.filter(gate="", limit_key="").count() == 1


def test_as_many_run_as_there_are_slots_and_the_end_of_one_lets_the_next_begin():
    first, *_ = [enqueue(limited.paint, n) for n in range(4)]
    (one, _) = claim(":printer")
    assert one.job_id == first.pk
    assert one.limit_key == ":printer"
    assert claim(":printer", worker_id="w-2") == []
    lifecycle.settle(connection, [(one.fence, None)])
    assert len(claim(":printer")) == 1
    assert claim(":printer") == []


@pytest.mark.parametrize(
    "end",
    [
        lambda claim: lifecycle.succeed(connection, claim.fence, None),
        lambda claim: lifecycle.settle(connection, [(claim.fence, None)]),
        lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD),
        lambda claim: lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW),
        lambda claim: lifecycle.release([claim.fence], started=False),
        lambda claim: lifecycle.rescue(lifecycle.Orphan(claim.fence, "w-1", 0), max_crashes=3),
        lambda claim: lifecycle.cancel(claim.job_id),
    ],
    ids=["succeed", "settle", "fail", "crash", "release", "rescue", "cancel"],
)
def test_whatever_ends_a_claim_frees_its_slot(end):
    enqueue(limited.alone)
    enqueue(limited.alone)
    (held,) = claim(ALONE)
    assert claim(ALONE) == []
    end(held)
    assert len(claim(ALONE)) == 1


def test_no_clock_frees_a_slot():
    enqueue(limited.alone)
    enqueue(limited.alone)
    claim(ALONE)
    ago = timezone.now() - timedelta(days=400)
    Job.objects.running().update(started_at=ago, first_started_at=ago, enqueued_at=ago, due_at=ago)
    Limit.objects.update(used_at=ago)
    assert claim(ALONE) == []


def test_a_job_that_is_tried_again_keeps_its_gate_and_key():
    job = enqueue(limited.alone)
    (held,) = claim(ALONE)
    lifecycle.fail(held.fence, rows.FAILED_FOR_NOW)
    job.refresh_from_db()
    assert (job.status, job.gate, job.limit_key) == ("READY", "limit", ALONE)
    (held,) = claim(ALONE)
    lifecycle.fail(held.fence, rows.FAILED_FOR_GOOD)
    lifecycle.retry(job.pk)
    job.refresh_from_db()
    assert (job.status, job.gate, job.limit_key) == ("READY", "limit", ALONE)


def test_by_priority_due_time_and_id():
    low, first, second, high = (enqueue(limited.paint, priority=priority) for priority in (-5, 0, 0, 5))
    taken = claim(":printer", allowance=Allowance(most=4))
    assert [claim.job_id for claim in taken] == [high.pk, first.pk, second.pk, low.pk]


def test_what_is_not_due_paused_or_unknown_waits():
    late = enqueue(limited.alone, run_after=timezone.now() + timedelta(hours=1))
    assert claim(ALONE) == []
    Job.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    TaskDefinition.objects.create(
        path=ALONE, backend="default", queue="default", priority=0, effects="atomic", max_attempts=1, paused=True,
        synced_at=timezone.now(),
    )  # fmt: skip
    assert claim(ALONE) == []
    assert lifecycle.heads(connection, backend="default", queue="default", names=[ALONE], paths=PATHS) == []
    TaskDefinition.objects.update(paused=False)
    operations.pause_queue("default")
    assert claim(ALONE) == []
    operations.resume_queue("default")
    Job.objects.update(task_path="gone.task")
    assert claim(ALONE) == []
    Job.objects.update(task_path=ALONE)
    assert len(claim(ALONE)) == 1


def test_keys_are_found_one_after_the_other():
    for name in ("Anna", "Bert", "Carl"):
        for _ in range(3):
            enqueue(limited.serve, name)
    enqueue(limited.serve, "Dora", queue_name="mail")
    enqueue(limited.serve, "Emil", backend="plain")
    path = limited.serve.module_path
    assert keys() == [f"{path}:anna", f"{path}:bert", f"{path}:carl"]
    assert keys(limit=2) == [f"{path}:anna", f"{path}:bert"]
    assert keys(after=f"{path}:bert", limit=2) == [f"{path}:carl"]
    assert keys(queue="mail") == [f"{path}:dora"]
    assert lifecycle.limited_queues(connection, "default") == ["default", "mail"]
    assert lifecycle.limited_queues(connection, "plain") == ["default"]
    assert lifecycle.anything_limited(connection, "plain")
    assert not lifecycle.anything_limited(connection, "other")


def test_the_state_of_keys_and_their_rows_on_demand(django_assert_num_queries):
    enqueue(limited.paint)
    enqueue(limited.paint)
    assert not Limit.objects.exists()
    claim(":printer", allowance=Allowance(most=1))
    assert Limit.objects.get().name == ":printer"
    with django_assert_num_queries(1):
        found = lifecycle.look_at(connection, [":printer"])
    assert found[":printer"].running == 1
    assert set(lifecycle.look_at(connection, [":printer", "b", "a"])) == {":printer", "b", "a"}
    assert Limit.objects.count() == 3


def test_the_heads_of_keys_the_highest_priority_first():
    enqueue(limited.serve, "Anna", priority=1)
    enqueue(limited.serve, "Anna", priority=7)
    enqueue(limited.serve, "Bert", priority=7)
    enqueue(limited.serve, "Carl", priority=9)
    names = [f"{limited.serve.module_path}:{name}" for name in ("bert", "anna", "carl", "dora")]
    lifecycle.look_at(connection, names)
    found = lifecycle.heads(connection, backend="default", queue="default", names=names, paths=PATHS)
    assert [(head.key.partition(":")[2], head.priority) for head in found] == [("carl", 9), ("bert", 7), ("anna", 7)]


def test_one_claim_serves_many_keys_in_a_few_statements(django_assert_max_num_queries):
    for number in range(30):
        enqueue(limited.serve, f"c{number}")
        enqueue(limited.serve, f"c{number}")
    names = keys()
    lifecycle.look_at(connection, names)
    with django_assert_max_num_queries(12):
        taken = claim(*names, room=20)
    assert len(taken) == len({claim.limit_key for claim in taken}) == 20
    assert [claim.limit_key for claim in sorted(taken, key=lambda claim: names.index(claim.limit_key))] == names[:20]


def test_a_rate_lets_one_begin_at_its_moment_and_not_before():
    for _ in range(5):
        enqueue(limited.call_slowly)
    path = limited.call_slowly.module_path
    (first,) = claim(path)
    assert claim(path) == []
    row = Limit.objects.get()
    assert row.next_at == first.started_at + timedelta(seconds=0.6)
    Limit.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    (second,) = claim(path)
    assert Limit.objects.get().next_at == second.started_at + timedelta(seconds=0.6)


def test_what_may_begin_together_is_no_more_than_falls_due_in_a_quarter_of_a_second():
    for _ in range(5):
        enqueue(limited.call)
    taken = claim(CALL)
    assert len(taken) == 2
    assert Limit.objects.get().next_at == taken[0].started_at + timedelta(seconds=2 / 8)


def test_a_job_that_is_handed_back_has_used_its_turn():
    enqueue(limited.call_slowly)
    path = limited.call_slowly.module_path
    (held,) = claim(path)
    lifecycle.release([held.fence], started=False)
    assert claim(path) == []


def test_after_a_clock_that_was_set_back_or_a_faster_rate_one_begins_and_the_next_waits_its_turn():
    for _ in range(2):
        enqueue(limited.call_slowly)
    path = limited.call_slowly.module_path
    lifecycle.look_at(connection, [path])
    Limit.objects.update(next_at=timezone.now() + timedelta(days=1))
    assert len(claim(path)) == 1
    assert claim(path) == []
    key = lifecycle.look_at(connection, [path])[path]
    assert 0 < Rate(100, 60).wait(key.next_at, key.now) <= 0.61


def test_the_limit_and_the_rate_are_those_of_whoever_claims():
    for _ in range(6):
        enqueue(limited.alone)
    assert len(claim(ALONE)) == 1
    assert len(claim(ALONE, allowance=Allowance(most=3))) == 2
    assert claim(ALONE) == []
    assert len(claim(ALONE, allowance=Allowance())) == 3


def test_the_gate_behind_another_is_that_of_the_limit_if_there_is_one():
    with_limit, without = enqueue(limited.alone), enqueue(tasks.echo, 1)
    Job.objects.update(gate=Gate.AFTER)
    Job.objects.update(gate=lifecycle.gate_behind())
    assert rows.job(with_limit.pk).gate == Gate.LIMIT
    assert rows.job(without.pk).gate == Gate.OPEN


def test_rows_of_keys_that_nobody_uses_go():
    lifecycle.look_at(connection, ["old", "new", "ahead"])
    ago = timezone.now() - timedelta(days=2)
    Limit.objects.exclude(name="new").update(used_at=ago)
    Limit.objects.filter(name="ahead").update(next_at=timezone.now() + timedelta(hours=1))
    assert lifecycle.prune_limits(older_than=timedelta(days=1)) == 1
    assert set(Limit.objects.values_list("pk", flat=True)) == {"new", "ahead"}


def plans(call):
    seen = []

    def explain(execute, sql, params, many, context):
        if not sql.startswith("EXPLAIN") and ("gate = 'limit'" in sql or "limit_key > ''" in sql):
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":  # So few rows it would read one by one.
                    cursor.execute("SET LOCAL enable_seqscan = off")
                    cursor.execute("SET LOCAL enable_bitmapscan = off")
                    cursor.execute("SET LOCAL enable_sort = off")
                cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, params)
                seen.append(str(cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        call()
    return seen


def test_a_look_goes_through_the_index_of_limited_jobs():
    for number in range(30):
        enqueue(limited.serve, f"c{number % 3}")
    names = keys()
    lifecycle.look_at(connection, names)
    for call in (
        keys,
        lambda: lifecycle.heads(connection, backend="default", queue="default", names=names, paths=PATHS),
        lambda: lifecycle.limited_queues(connection, "default"),
    ):
        for plan in plans(call):
            # MariaDB asks the index for a MIN() while it plans.
            assert any(word in plan for word in ("jobqueue_limited", "optimized away", "No matching min/max"))
            assert "filesort" not in plan
            assert "TEMP B-TREE" not in plan
    assert all("jobqueue_slots" in plan for plan in plans(lambda: lifecycle.look_at(connection, names)))
