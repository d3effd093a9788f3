"""A key answers with the job it was first used for, for as long as the ledger remembers. S1."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.tasks.exceptions import InvalidTask
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobqueue import ledger, lifecycle
from jobqueue.errors import IdempotencyConflict
from jobqueue.models import Job, LedgerEntry
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db


def again(key="k", *args, task=tasks.echo):
    return lifecycle.create(task.using(idempotency_key=key), rows.arguments(*args))


def test_the_second_enqueue_answers_with_the_first_job():
    first = rows.enqueue(tasks.echo, 1, idempotency_key="k")
    assert again("k", 1) == first
    assert Job.objects.count() == 1
    assert rows.job(first).idempotency_key == "k"


def test_the_same_call_spelt_otherwise_is_the_same_call():
    first = lifecycle.create(tasks.echo.using(idempotency_key="k"), '{"args":[],"kwargs":{"a":1,"b":2}}')
    assert lifecycle.create(tasks.echo.using(idempotency_key="k"), '{"kwargs":{"b":2,"a":1},"args":[]}') == first.job_id


def test_other_arguments_are_an_error_that_says_so_and_enqueues_nothing():
    first = rows.enqueue(tasks.echo, 1, idempotency_key="k")
    with pytest.raises(IdempotencyConflict, match=rf"'k' of tests\.app\.tasks\.echo .* {first}.* Nothing was enqueued"):
        again("k", 2)
    assert Job.objects.count() == 1


def test_the_order_of_a_later_call_does_not_matter():
    first = rows.enqueue(idempotency_key="k")
    assert lifecycle.create(tasks.echo.using(idempotency_key="k", priority=9), rows.arguments()) == first


def test_another_task_has_keys_of_its_own():
    first = rows.enqueue(idempotency_key="k")
    assert again("k", task=tasks.boom).job_id != first


@pytest.mark.parametrize("other", ["K", "k ", " k", "ḱ", "k\t"])
def test_keys_are_the_same_only_when_every_character_is(other):
    """MariaDB and MySQL fold case, accents and trailing blanks unless told otherwise."""
    first = rows.enqueue(idempotency_key="k")
    created = again(other)
    assert created.job_id != first
    assert again(other) == created.job_id
    assert again("k") == first


def test_a_key_may_be_as_long_as_promised_and_hold_any_character():
    key = "🦉" * 255
    first = rows.enqueue(idempotency_key=key)
    assert again(key) == first
    assert rows.job(first).idempotency_key == key


@pytest.mark.parametrize("end", ["succeeds", "fails", "is cancelled"])
def test_a_key_is_answered_when_its_job_is_long_gone(end):
    claim = rows.claimed(idempotency_key="k")
    if end == "succeeds":
        lifecycle.succeed(connection, claim.fence, '{"answer": 42}')
    elif end == "fails":
        lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    else:
        lifecycle.cancel(claim.job_id)
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1

    assert again("k") == claim.job_id
    assert Job.objects.count() == 0
    with pytest.raises(IdempotencyConflict):
        again("k", "other arguments")


def test_entering_a_key_hides_no_other_error():
    """INSERT IGNORE would: a missing value would become an empty one, and a text too long would be cut off."""
    job_id = rows.enqueue()
    with pytest.raises(IntegrityError):
        ledger.reserve(connection, "enqueue:x", "k", job_id=job_id, fingerprint=None)


def test_an_entry_is_made_once():
    job_id, other = rows.enqueue(), rows.enqueue()
    assert ledger.reserve(connection, "enqueue:x", "k", job_id=job_id, fingerprint="f") is None
    entry = ledger.reserve(connection, "enqueue:x", "k", job_id=other, fingerprint="g")
    assert (entry.job_id, entry.fingerprint) == (job_id, "f")
    assert LedgerEntry.objects.count() == 1


# -- keys that are lent for a time -----------------------------------------------------------------


def lent(*args, ttl=60, key="k"):
    return lifecycle.create(tasks.echo.using(idempotency_key=key, key_ttl=ttl), rows.arguments(*args))


def its_time_is_over():
    LedgerEntry.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("ttl", [3600, timedelta(hours=1)])
def test_a_key_is_lent_for_a_time(ttl):
    lent(ttl=ttl)
    entry = LedgerEntry.objects.get()
    assert entry.expires_at - entry.created_at == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=1))


def test_until_then_it_answers_with_its_job_also_when_that_has_ended():
    first = lent(1).job_id
    lifecycle.cancel(first)
    assert lent(1) == first
    with pytest.raises(IdempotencyConflict):
        lent(2)


def test_then_it_may_be_used_for_another_call():
    first = lent(1).job_id
    lifecycle.cancel(first)
    its_time_is_over()
    second = lent(2, ttl=3600)
    assert second.job_id != first
    entry = LedgerEntry.objects.get()
    assert (entry.job_id, entry.value) == (second.job_id, None)
    assert entry.expires_at > timezone.now() + timedelta(minutes=59)
    assert lent(2) == second.job_id


@pytest.mark.parametrize("state", ["waits", "runs"])
def test_but_not_while_its_job_lives(state):
    first = lent(1).job_id
    if state == "runs":
        rows.claim()
    its_time_is_over()
    assert lent(1) == first
    assert lifecycle.prune_keys() == 0
    assert Job.objects.count() == 1


def test_without_a_time_it_is_kept_for_ever():
    lifecycle.cancel(rows.enqueue(idempotency_key="k"))
    assert LedgerEntry.objects.get().expires_at is None
    assert lifecycle.prune_keys() == 0


def test_keys_whose_time_is_over_go():
    first = lent(1).job_id
    lifecycle.cancel(first)
    lent(1, key="another")
    assert lifecycle.prune_keys() == 0
    its_time_is_over()
    assert lifecycle.prune_keys() == 1
    assert LedgerEntry.objects.get().key == "another"
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1


def test_keys_that_are_needed_do_not_keep_others_from_going():
    lent(1)
    lifecycle.cancel(lent(1, key="another").job_id)
    its_time_is_over()
    LedgerEntry.objects.filter(key="k").update(expires_at=timezone.now() - timedelta(seconds=2))
    assert lifecycle.prune_keys(limit=1) == 1
    assert LedgerEntry.objects.get().key == "k"


@pytest.mark.parametrize("ttl", [0, -1, "1", timedelta(0), float("inf"), True])
def test_a_time_that_is_none_is_refused(ttl):
    with pytest.raises(InvalidTask, match="key_ttl must be a number of seconds above 0, a timedelta, or None"):
        tasks.echo.using(idempotency_key="k", key_ttl=ttl)


def test_a_time_without_a_key_is_refused():
    with pytest.raises(InvalidTask, match="give one, or leave key_ttl out"):
        tasks.echo.using(key_ttl=60)


@pytest.mark.parametrize("many", [False, True])
def test_a_key_whose_time_is_not_over_is_not_locked_by_whoever_asks(many):
    """Whoever prunes its job would wait for the whole of a caller's transaction."""
    (claim,) = rows.claim() if lent() else []
    lifecycle.succeed(connection, claim.fence, None)
    with CaptureQueriesContext(connection) as asked:
        if many:
            tasks.echo.enqueue_many([((), {}, {"idempotency_key": "k", "key_ttl": 60})])
        else:
            lent()
    assert len(asked) > 1
    assert not [it["sql"] for it in asked if "UPDATE" in it["sql"] and LedgerEntry._meta.db_table in it["sql"]]


def test_a_key_that_goes_while_it_is_asked_for_is_entered_anew():
    job_id, other = rows.enqueue(), rows.enqueue()
    ledger.reserve(connection, "enqueue:x", "k", job_id=job_id, fingerprint="f")
    entry = LedgerEntry.objects.get()
    LedgerEntry.objects.all().delete()
    assert ledger.take_over(connection, entry, job_id=other, fingerprint="g") is None
    assert LedgerEntry.objects.get().job_id == other


@pytest.mark.parametrize("who", ["a keeper", "another"])
def test_a_key_that_goes_or_is_taken_over_while_it_is_looked_at_is_no_answer(monkeypatch, who):
    lent()
    (claim,) = rows.claim()
    lifecycle.succeed(connection, claim.fence, None)
    its_time_is_over()
    seen, others = [], []

    def meanwhile(connection, entry):
        if not seen:
            seen.append(entry)
            if who == "a keeper":
                LedgerEntry.objects.all().delete()
            else:
                others.append(lent())
        return is_over(connection, entry)

    is_over = ledger.is_over
    monkeypatch.setattr(ledger, "is_over", meanwhile)
    made = lent()
    assert seen
    assert LedgerEntry.objects.get().job_id != claim.job_id
    assert made == others[0].job_id if others else made.job_id == LedgerEntry.objects.get().job_id
