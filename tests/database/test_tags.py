"""Tags: words by which people find jobs. They come and go with a job, and nothing in its life depends on them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.tasks import task
from django.tasks.exceptions import InvalidTask

from jobqueue import lifecycle, operations, tags
from jobqueue.models import Job, Tag
from tests import rows
from tests.app.tasks import echo, with_tags
from tests.app.unique_tasks import refresh

pytestmark = pytest.mark.django_db


def something() -> None:
    """Do nothing."""


def of(job_id: Any) -> list[str]:
    """Return the tags of a job."""
    return tags.tags_of(uuid.UUID(str(job_id)))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("eu", ["eu"]),
        (["eu", "billing", "eu"], ["billing", "eu"]),
        ((it for it in ["Eu", "eu"]), ["Eu", "eu"]),
        ([], []),
    ],
)
def test_words_and_one_alone_may_be_given(given: Any, kept: list[str]) -> None:
    assert of(echo.using(tags=given).enqueue(1).id) == kept


def test_those_of_the_task_hold_until_others_are_given() -> None:
    assert of(with_tags.enqueue().id) == ["nightly", "report"]
    assert of(with_tags.using(priority=3).enqueue().id) == ["nightly", "report"]
    assert of(with_tags.using(tags="by hand").enqueue().id) == ["by hand"]


@pytest.mark.parametrize(
    "given", [5, [5], [""], [" eu"], ["eu\n"], ["x" * 65], ["a\0b"], ["\ud800"], [None], [f"t{n}" for n in range(21)]]
)
def test_what_is_no_tag_is_refused_where_it_is_given(given: Any) -> None:
    with pytest.raises(InvalidTask, match=r"tags must be at most|A tag must be a text"):
        echo.using(tags=given)
    with pytest.raises(InvalidTask, match=r"tags must be at most|A tag must be a text"):
        task(tags=tuple(given) if isinstance(given, list) else given)(something)


def test_a_text_alone_is_no_tuple_of_a_task() -> None:
    with pytest.raises(InvalidTask, match="tags must be at most"):
        task(tags="report")(something)


def test_many_have_their_own() -> None:
    tagged = echo.using(tags=["bulk"])
    assert [of(it.id) for it in tagged.enqueue_many([((1,), {}), ((2,), {})])] == [["bulk"], ["bulk"]]
    calls = [((1,), {}, {"tags": "one"}), ((2,), {}, {"priority": 1}), ((3,), {}, {"tags": ["three", "x"]})]
    assert [of(it.id) for it in tagged.enqueue_many(calls)] == [["one"], ["bulk"], ["three", "x"]]


def test_an_enqueue_that_is_answered_with_a_job_leaves_its_tags() -> None:
    first = echo.using(idempotency_key="k", tags=["first"]).enqueue(1)
    assert echo.using(idempotency_key="k", tags=["second"]).enqueue(1).id == first.id
    unique = refresh.using(tags=["first"]).enqueue(1)
    assert refresh.using(tags=["second"]).enqueue(1).id == unique.id
    refresh.enqueue_many([((1,), {}, {"tags": ["third"]})])
    assert of(first.id) == of(unique.id) == ["first"]
    assert tags.known_tags(most=10) == ["first"]


def test_they_come_with_the_transaction_of_the_job_or_not_at_all() -> None:
    with transaction.atomic():
        echo.using(tags=["gone"]).enqueue(1)
        transaction.set_rollback(True)
    assert not Tag.objects.exists()


def test_jobs_are_found_by_them_alone() -> None:
    wanted = [echo.using(tags=["eu", name]).enqueue(1) for name in ("a", "b")]
    echo.using(tags=["EU"]).enqueue(1)
    echo.enqueue(1)
    assert {str(it) for it in Job.objects.all().tagged("eu").values_list("pk", flat=True)} == {it.id for it in wanted}
    assert tags.known_tags(most=10) == ["EU", "a", "b", "eu"]
    assert tags.known_tags(most=2) == ["EU", "a"]
    assert (tags.is_known("b"), tags.is_known("B")) == (True, False)


def test_tags_may_be_very_many() -> None:
    names = [f"customer-{number:04}" for number in range(1500)]
    Tag.objects.bulk_create(Tag(job_id=uuid.uuid4(), name=name) for name in names for _ in range(2))
    assert tags.known_tags(most=2000) == names
    assert tags.known_tags(most=50) == names[:50]


def test_a_copy_has_those_of_the_first_and_a_retry_keeps_them() -> None:
    first = rows.enqueue(with_tags, tags=["by hand"])
    bare = rows.enqueue(with_tags, tags=[])
    (copy,) = operations.copy(Job.objects.filter(pk=first)).made
    (other,) = operations.copy(Job.objects.filter(pk=bare)).made
    assert (of(copy), of(other)) == (["by hand"], [])
    Job.objects.filter(pk=first).update(status="FAILED")
    operations.retry(Job.objects.filter(pk=first))
    assert of(first) == ["by hand"]


def test_they_go_when_the_job_is_pruned() -> None:
    kept = rows.enqueue(tags=["kept"], queue_name="mail")
    claim = rows.claimed(tags=["gone"])
    lifecycle.succeed(connection, claim.fence, '"done"')
    rows.let_time_pass()
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1
    assert (of(claim.job_id), of(kept)) == ([], ["kept"])
