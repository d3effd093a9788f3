"""However many claim at once, each job goes to one of them. S4."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import connection, connections

from jobqueue import lifecycle
from tests import rows
from tests.app import tasks


def test_the_second_passes_over_what_the_first_has_locked(anna, bert):
    ids = [rows.enqueue() for _ in range(3)]
    anna.begin()
    first = anna.do(rows.claim, "anna", limit=2)

    second = bert.start(rows.claim, "bert", limit=2)
    if connection.vendor == "sqlite":  # One writes at a time: the second waits, and then sees.
        bert.waits(second)
        anna.commit()
        taken = second.result(10)
    else:
        taken = second.result(10)
        anna.commit()
    assert [claim.job_id for claim in first] == ids[:2]
    assert [claim.job_id for claim in taken] == ids[2:]


def test_a_claim_that_is_undone_leaves_its_jobs_to_others(anna, bert):
    job_id = rows.enqueue()
    anna.begin()
    (undone,) = anna.do(rows.claim, "anna")
    anna.roll_back()

    (claim,) = bert.do(rows.claim, "bert")
    assert (claim.job_id, claim.attempt) == (job_id, undone.attempt)
    # The number was given twice; the token never is.
    assert claim.token != undone.token
    assert not lifecycle.settle(connection, [(undone.fence, None)])


def test_four_who_claim_at_once_take_each_job_once(transactional_db):
    ids = set(map(UUID, lifecycle.create_many(tasks.echo, [rows.arguments(n) for n in range(120)])))
    start = threading.Barrier(4)

    def claim_all(name):
        taken = []
        start.wait(10)
        try:
            while len(claims := rows.claim(name, limit=7)) > 0:
                taken += claims
        finally:
            connections.close_all()
        return taken

    with ThreadPoolExecutor(4) as threads:
        taken = [claim for claims in threads.map(claim_all, "abcd") for claim in claims]
    # Whoever comes to an end that another has locked stops early: the rest is for a later look.
    taken += rows.claim("e", limit=120)
    assert Counter(claim.job_id for claim in taken) == Counter(ids)
    assert {claim.attempt for claim in taken} == {1}
