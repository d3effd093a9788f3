"""Whoever looks keeps a filter under a name, for themselves; nothing but a filter of this list becomes a link."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.admin import saved
from jobqueue.models import SavedView
from tests.admin.conftest import JOBS, make_job

SAVE, DROP = "admin:jobqueue_job_save_view", "admin:jobqueue_job_drop_view"


def keep(client, name="Failed mail", query="status=FAILED&queue=mail"):
    return client.post(reverse(SAVE), {"name": name, "query": query})


def kept(client, address=""):
    return client.get(reverse(JOBS) + address).context["saved"]


def test_a_filter_is_kept_and_is_a_link_above_the_list(admin_client):
    make_job("FAILED", queue="mail")
    make_job("FAILED")
    assert keep(admin_client).url == f"{reverse(JOBS)}?queue=mail&status=FAILED"
    (view,) = kept(admin_client)["views"]
    assert '<a href="?queue=mail&amp;status=FAILED">Failed mail</a>' in admin_client.get(reverse(JOBS)).text
    page = admin_client.get(f"{reverse(JOBS)}?{view['query']}")
    assert len(page.context["cl"].result_list) == 1
    assert 'aria-current="page">Failed mail</a>' in page.text


def test_the_list_offers_to_keep_what_it_is_filtered_by(admin_client):
    assert not kept(admin_client)["is_new"]
    present = kept(admin_client, "?queue=mail&p=1&q=a+b&refresh=2&status=FAILED")
    assert present["query"] == "q=a+b&queue=mail&status=FAILED"
    assert "Keep this filter" in admin_client.get(reverse(JOBS) + "?queue=mail").text
    keep(admin_client, query=present["query"])
    assert not kept(admin_client, "?status=FAILED&q=a+b&queue=mail")["is_new"]


def test_under_the_same_name_it_is_another_one(admin_client):
    keep(admin_client)
    keep(admin_client, query="status=RUNNING")
    assert [view["query"] for view in kept(admin_client)["views"]] == ["status=RUNNING"]


def test_it_is_forgotten(admin_client):
    keep(admin_client)
    keep(admin_client, "other")
    view = SavedView.objects.get(name="other")
    answer = admin_client.post(reverse(DROP), {"view": view.pk, "query": "status=FAILED"})
    assert answer.url == f"{reverse(JOBS)}?status=FAILED"
    assert [view["name"] for view in kept(admin_client)["views"]] == ["Failed mail"]


def test_nobody_sees_or_forgets_those_of_others(admin_client, staff):
    keep(admin_client)
    other = staff("view_job")
    assert kept(other)["views"] == []
    other.post(reverse(DROP), {"view": SavedView.objects.get().pk})
    keep(other, query="status=READY")
    assert sorted(SavedView.objects.values_list("query", flat=True)) == ["queue=mail&status=FAILED", "status=READY"]


@pytest.mark.parametrize(
    "query",
    [
        "", "https://evil.example/", "//evil.example", "status", "status=FAILED#x&next=//evil.example", "next=/admin/",
        "arguments__contains=a", "status=FAILED&status=READY", "status=%00", "p=3", "_changelist_filters=x", "e=1",
        urlencode({"q": "x" * 2000}), "&".join(f"q{number}=1" for number in range(100)), "status=FAILED&_popup=1",
    ],
)  # fmt: skip
def test_what_is_no_filter_of_this_list_is_refused(admin_client, query):
    assert keep(admin_client, query=query).status_code == 400
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\0b"])
def test_what_is_no_name_is_refused_and_it_is_said(admin_client, name):
    answer = admin_client.post(reverse(SAVE), {"name": name, "query": "status=FAILED"}, follow=True)
    assert "A name has 1 to 60 characters." in answer.text
    assert not SavedView.objects.exists()


def test_what_is_in_the_row_is_text_and_never_an_address_of_elsewhere(admin_client, admin_user):
    for number, query in enumerate(("https://evil.example/?a=b", "javascript:alert(1)", 'q="><script>alert(1)')):
        SavedView.objects.create(user=str(admin_user.pk), name=f"<script>{number}\u202e", query=query)
    text = admin_client.get(reverse(JOBS)).text
    assert "evil.example" not in text
    assert "javascript:" not in text
    assert "<script>2" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;2\\u202e" in text


def test_there_is_an_end_to_it(admin_client, monkeypatch):
    monkeypatch.setattr(saved, "MOST", 1)
    keep(admin_client)
    answer = admin_client.post(reverse(SAVE), {"name": "second", "query": "status=FAILED"}, follow=True)
    assert "forget one first" in answer.text
    keep(admin_client, query="status=READY")
    assert SavedView.objects.get().query == "status=READY"


@pytest.mark.parametrize("name", [SAVE, DROP])
def test_it_takes_a_post_a_token_and_the_right_to_look(admin_client, admin_user, staff, name):
    keep(admin_client)
    fields = {"name": "n", "query": "status=READY", "view": SavedView.objects.get().pk}
    assert admin_client.get(reverse(name), fields).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert strict.post(reverse(name), fields).status_code == 403
    assert staff("retry_job").post(reverse(name), fields).status_code == 403
    assert SavedView.objects.get().query == "queue=mail&status=FAILED"


@pytest.mark.parametrize("view", ["", "x", "-1", "9" * 400, "٣", "\0"])
def test_what_is_no_view_is_refused(admin_client, view):
    assert admin_client.post(reverse(DROP), {"view": view}).status_code == 400
