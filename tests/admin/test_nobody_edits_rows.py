from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job, make_worker, page_of

MODELS = ("job", "worker", "taskdefinition", "ledgerentry")


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added(admin_client: Client, model: str) -> None:
    assert admin_client.get(reverse(f"admin:jobqueue_{model}_add")).status_code == 403


@pytest.mark.parametrize("make", [make_job, make_worker])
def test_nothing_is_changed_or_deleted(admin_client: Client, make: Callable[[], Job]) -> None:
    row = make()
    name = f"admin:jobqueue_{row._meta.model_name}"
    assert admin_client.post(page_of(row), {"status": "SUCCESSFUL"}).status_code == 403
    assert admin_client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    admin_client.post(reverse(f"{name}_changelist"), bulk)
    assert type(row).objects.values().get(pk=row.pk) == {
        field.attname: getattr(row, field.attname) for field in row._meta.fields
    }


def test_who_may_not_view_sees_nothing(staff: Callable[..., Client]) -> None:
    client = staff("view_worker")
    assert client.get(reverse(JOBS)).status_code == 403
    assert client.get(page_of(make_job())).status_code == 403


def test_who_may_only_view_sees_no_buttons(staff: Callable[..., Client]) -> None:
    client = staff("view_job")
    job = make_job("FAILED")
    assert b'name="action"' not in client.get(reverse(JOBS)).content
    assert b"jq-press" not in client.get(page_of(job)).content
