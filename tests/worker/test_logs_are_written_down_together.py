from __future__ import annotations

import contextlib
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from jobqueue import lifecycle
from jobqueue.models import AttemptLog, Job
from jobqueue.worker.scribe import Scribe
from tests.rows import claimed
from tests.worker.parts import claim_of

pytestmark = pytest.mark.django_db


def kept() -> dict[Any, str]:
    """Return what is written down, by job."""
    return dict(AttemptLog._default_manager.values_list("job_id", "lines"))


def test_nothing_is_asked_of_the_database_when_nothing_was_logged() -> None:
    with CaptureQueriesContext(connection) as asked:
        Scribe().write(at_once=True)
    assert len(asked) == 0


def test_the_last_that_was_told_of_a_claim_counts() -> None:
    scribe, claim, other = Scribe(), claimed(), claimed()
    scribe.note(claim, "one")
    scribe.note(other, "else")
    scribe.note(claim, "one\ntwo")
    with CaptureQueriesContext(connection) as asked:
        scribe.write(at_once=True)
    assert kept() == {claim.job_id: "one\ntwo", other.job_id: "else"}
    assert len([query for query in asked if "INSERT" in query["sql"]]) == 1
    scribe.note(claim, "one\ntwo\nthree")
    scribe.write(at_once=True)
    assert kept()[claim.job_id] == "one\ntwo\nthree"
    with CaptureQueriesContext(connection) as asked:
        scribe.write(at_once=True)
    assert len(asked) == 0


def test_they_are_written_a_few_times_a_second_at_most() -> None:
    scribe, claim = Scribe(), claimed()
    scribe.note(claim, "one")
    scribe.write()
    scribe.note(claim, "two")
    scribe.write()
    assert kept() == {claim.job_id: "one"}
    scribe._next = 0.0
    scribe.write()
    assert kept() == {claim.job_id: "two"}


def test_each_claim_of_a_job_has_its_own() -> None:
    scribe, claim = Scribe(), claimed()
    scribe.note(claim, "first")
    scribe.note(claim._replace(token=uuid4()), "second")
    scribe.write(at_once=True)
    assert sorted(AttemptLog._default_manager.values_list("lines", flat=True)) == ["first", "second"]


def test_none_are_kept_of_a_job_that_is_gone() -> None:
    scribe, there = Scribe(), claimed()
    scribe.note(claim_of(), "gone")
    scribe.note(there, "there")
    scribe.write(at_once=True)
    assert kept() == {there.job_id: "there"}
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_is_in_its_way_is_given_way_to() -> None:
    """Mostly it is the very body whose lines these are: on SQLite it has the lock of all."""
    scribe, claim = Scribe(), claimed()
    scribe.note(claim, "one")
    scribe.write(at_once=True)
    scribe.note(claim, "two")
    with contextlib.closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"UPDATE jobqueue_attemptlog SET {connection.ops.quote_name('lines')} = 'locked'")
        scribe.write(at_once=True)
        other.rollback()
    assert kept() == {claim.job_id: "one"}
    scribe.write(at_once=True)
    assert kept() == {claim.job_id: "two"}


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [(OperationalError("away"), True), (DataError("too odd"), False), (ProgrammingError("no such table"), False)],
)
def test_what_the_database_does_not_take_now_is_kept_and_what_it_never_will_is_not(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_kept: bool
) -> None:
    def fails(told: object) -> None:
        raise error

    scribe, claim = Scribe(), claimed()
    scribe.note(claim, "one")
    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "keep_logs", fails)
        if is_kept:
            with pytest.raises(OperationalError):
                scribe.write(at_once=True)
        else:
            scribe.write(at_once=True)
    scribe.write(at_once=True)
    assert kept() == ({claim.job_id: "one"} if is_kept else {})
