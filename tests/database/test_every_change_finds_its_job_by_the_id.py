"""A statement locks what it looks at on MariaDB: by any index but the primary key, that is more than it changes."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from tests import rows

pytestmark = pytest.mark.django_db


def judged(claim, failure):
    """End a job for which another waits, and judge that."""
    rows.enqueue(after=[claim.job_id])
    if failure is None:
        lifecycle.succeed(connection, claim.fence, None)
    else:
        lifecycle.fail(claim.fence, failure)
    return lifecycle.follow([claim.job_id])


VERBS = {
    "succeed": lambda claim: lifecycle.succeed(connection, claim.fence, None),
    "hold": lambda claim: lifecycle.hold(connection, claim.fence, steps=0),
    "settle": lambda claim: lifecycle.settle(connection, [(claim.fence, None)]),
    "fail": lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW),
    "crash": lambda claim: lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW),
    "release": lambda claim: lifecycle.release([claim.fence], started=True),
    "hasten": lambda claim: (
        lifecycle.release([claim.fence], started=False, delay=60),
        lifecycle.hasten(claim.job_id),
    ),
    "rescue": lambda claim: lifecycle.rescue(lifecycle.Orphan(claim.fence, "w-1", 0), max_crashes=3),
    "judge": lambda claim: judged(claim, rows.FAILED_FOR_GOOD).ended,
    "judge well": lambda claim: judged(claim, None).opened,
    "cancel": lambda claim: (lifecycle.cancel(claim.job_id), lifecycle.retry(claim.job_id)),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_by_the_primary_key(verb):
    for _ in range(10):
        rows.claimed()
    claim = rows.claimed()
    plans = []

    def explain(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "jobqueue_job" in sql and "WHERE 0" not in sql:
            with connection.cursor() as cursor:
                cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, params)
                plans.append(str(cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert verb(claim)
    assert plans
    if connection.vendor == "mysql":  # Others lock what matches, by whatever way they find it.
        assert all("'PRIMARY', 'PRIMARY', '16'" in plan for plan in plans), plans
