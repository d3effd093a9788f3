from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.admin.calls import call_text
from jobqueue.admin.inert import as_json, inert
from jobqueue.models import LedgerEntry
from jobqueue.spelling import spelled
from tests.admin.conftest import JOBS, ago, make_attempt, make_job, make_worker, page_of
from tests.app.tasks import boom

HOSTILE = '<script>alert(1)</script> \x1b[31mred \u202egnp.exe zero\u200bwidth \u2028 =HYPERLINK("http://x") \ud800'
UNSEEN = ("\x1b", "\u202e", "\u200b", "\u2028", "\ud800", "\u2066", "\x9b", "\x7f", "\U000e0041", "\r")


@pytest.mark.parametrize("character", UNSEEN)
def test_unseen_characters_are_spelled(character: str) -> None:
    code = ord(character)
    spelling = f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    assert spelled(f"a{character}b") == f"a{spelling}b"
    assert inert(f"a{character}b") == f'a<span class="jq-unseen">{spelling}</span>b'


def test_markup_is_escaped_and_the_rest_stays_as_it_is() -> None:
    assert inert("<b>&\n\tعربي 日本語 é") == "&lt;b&gt;&amp;\n\tعربي 日本語 é"


def test_long_texts_end_with_how_much_is_missing() -> None:
    assert inert("x" * 1500, most=500) == "x" * 500 + " … and 1,000 more characters"


def test_json_shows_an_escape_apart_from_a_text_that_looks_like_one() -> None:
    assert "\\u202e" in as_json("\u202e")
    assert "\\\\u202e" in as_json("\\u202e")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ('{"args": [1, "a"], "kwargs": {"message": null}}', '(1, "a", message=null)'),
        ('{"args": ["abcdefghi', '("abcdefghi…'),
        ('{"args":["abcdefghi', '("abcdefghi…'),
        ('{"args": [[1, 2', "(…"),
        ('{"args": [1, 2', "(1, …"),
        ('{"args": [1], "kwargs": {"message": "abc', '(1, message="abc…'),
        ('{"args": [1], "kwargs": {"mess', "(1, …"),
        ('{"args": [1', "(…"),
        ("{", "(…"),
        ("nonsense", "(…"),
    ],
)
def test_calls_are_shown_as_calls_as_far_as_they_were_read(stored: str, shown: str) -> None:
    assert call_text(boom, stored) == shown


def test_no_page_lets_hostile_texts_through(admin_client: Client) -> None:
    storable = HOSTILE.replace("\ud800", "")
    name = storable.replace('"', "")
    payload = {"args": [storable], "kwargs": {storable: storable}}
    job = make_job("SUCCESSFUL", arguments=payload, result=payload, idempotency_key=storable, queue=name)
    make_attempt(job, exception_class=storable, traceback=storable, progress={"done": 1, "note": storable})
    worker = make_worker("evil\u202e<script>", queues=[storable], hostname=storable)
    running = make_job("RUNNING", worker_id=worker.pk, arguments=payload, queue=name)
    entry = LedgerEntry.objects.create(
        scope=f"step:{job.pk}", key=storable, job_id=job.pk, value=payload, created_at=ago(1)
    )
    pages = [reverse(JOBS), *map(page_of, (job, running, worker, entry))]
    pages += [reverse(f"admin:jobqueue_{name}_changelist") for name in ("worker", "ledgerentry", "taskdefinition")]
    for page in pages:
        response = admin_client.get(page)
        text = response.content.decode()
        assert response.status_code == 200, page
        assert "<script>alert" not in text, page
        assert "evil\u202e<" not in text
        assert not {"\x1b", "\u202e", "\u200b", "\u2028"} & set(text), page


def test_hostile_filters_and_searches_are_inert(admin_client: Client) -> None:
    for query in ("queue", "task", "status", "outcome", "backend", "unknown", "q"):
        text = admin_client.get(reverse(JOBS), {query: HOSTILE.replace("\ud800", "")}).content.decode()
        assert "<script>alert" not in text
