"""Between judging and rescuing, everything may have changed: a rescue is compare-and-set on what was judged. S7."""

from datetime import timedelta

from django.db import connection
from django.db.models import F

from jobqueue import lifecycle
from jobqueue.models import Attempt, Worker
from tests import rows


def test_a_job_that_was_handed_back_and_claimed_again_is_left_alone(transactional_db):
    judged_claim = rows.claimed("slow")
    (judged,) = lifecycle.orphans("default")
    lifecycle.release([judged_claim.fence], started=True)
    rows.claim("slow")

    assert lifecycle.rescue(judged, max_crashes=3) is None
    assert rows.job(judged_claim.job_id).status == "RUNNING"


def test_an_owner_that_is_committing_is_left_alone(anna, bert):
    claim = rows.claimed("slow")
    (judged,) = lifecycle.orphans("default")
    bert.defer()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, None)

    # It does not even wait: its keeper has other jobs to look after.
    assert bert.do(lifecycle.rescue, judged, max_crashes=3) is None
    anna.commit()
    assert rows.job(claim.job_id).status == "SUCCESSFUL"


def test_a_worker_whose_heartbeat_has_moved_is_alive(transactional_db):
    rows.worker("thawed", beat_ago=60)
    claim = rows.claimed("thawed")
    (judged,) = lifecycle.orphans("default")
    Worker.objects.filter(pk="thawed").update(heartbeat_at=F("heartbeat_at") + timedelta(seconds=59))

    assert lifecycle.rescue(judged, max_crashes=3) is None
    assert rows.job(claim.job_id).status == "RUNNING"


def test_a_worker_whose_row_appears_is_alive(transactional_db):
    rows.claimed("late")
    (judged,) = lifecycle.orphans("default")
    rows.worker("late")

    assert lifecycle.rescue(judged, max_crashes=3) is None


def test_of_two_who_rescue_one_does_and_the_crash_is_charged_once(anna, bert):
    claim = rows.claimed("dead")
    (judged,) = lifecycle.orphans("default")
    anna.begin()
    assert anna.do(lifecycle.rescue, judged, max_crashes=3) == "READY"
    assert bert.do(lifecycle.rescue, judged, max_crashes=3) is None
    anna.commit()

    assert bert.do(lifecycle.rescue, judged, max_crashes=3) is None
    job = rows.job(claim.job_id)
    assert (job.status, job.crashes, Attempt.objects.count()) == ("READY", 1, 1)


def test_a_worker_that_starts_and_claims_between_two_questions_is_no_suspect(transactional_db):
    """The jobs are asked for before the workers: an owner's row is there before it claims."""
    rows.enqueue()
    asked = []

    def start_after_the_first(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        asked.append(sql)
        if len(asked) == 1:
            rows.worker("new")
            assert rows.claim("new")
        return answer

    with connection.execute_wrapper(start_after_the_first):
        assert lifecycle.orphans("default") == []
    assert len(asked) > 1
