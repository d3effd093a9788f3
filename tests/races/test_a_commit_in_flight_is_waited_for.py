"""When COMMIT's outcome is unknown, it is found out by a read that waits for it. S8."""

from django.db import connection

from jobqueue import lifecycle
from tests import rows


def test_a_job_that_is_being_committed_counts_as_done_only_once_it_is(anna, bert):
    claim = rows.claimed()
    bert.defer()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, '"value"')

    # If somebody asks in the middle of the COMMIT, a plain read says RUNNING and would be wrong a moment later.
    assert bert.do(rows.job, claim.job_id).status == "RUNNING"
    answer = bert.start(lifecycle.decided, connection, claim.fence)
    bert.waits(answer)

    anna.commit()
    assert answer.result(10) is True


def test_a_commit_that_fails_after_all_counts_as_not_done(anna, bert):
    claim = rows.claimed()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, None)
    answer = bert.start(lifecycle.decided, connection, claim.fence)
    bert.waits(answer)

    anna.roll_back()
    assert answer.result(10) is False


def test_a_failure_is_not_written_over_a_commit_in_flight(anna, bert):
    claim = rows.claimed()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, None)
    failing = bert.start(lifecycle.fail, claim.fence, rows.FAILED_FOR_GOOD)
    bert.waits(failing)

    anna.commit()
    assert failing.result(10) is None
    assert rows.job(claim.job_id).status == "SUCCESSFUL"


def test_a_batch_that_is_settled_again_waits_for_the_first_time(anna, bert):
    """If the connection breaks in the COMMIT of a batch, the server may still be at it when the batch is said again."""
    claim = rows.claimed()
    anna.begin()
    assert anna.do(lifecycle.settle, connection, [(claim.fence, "1")]) == {claim.job_id}
    again = bert.start(lifecycle.settle, connection, [(claim.fence, "1")])
    bert.waits(again)

    anna.commit()
    assert again.result(10) == {claim.job_id}
