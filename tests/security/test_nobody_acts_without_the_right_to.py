"""Every address of the admin of jobqueue, as somebody who may not: no deed, and nothing told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from jobqueue.models import Attempt, Job, LedgerEntry, PausedQueue, Schedule, TaskDefinition, Worker
from tests.admin.conftest import JOBS, ago, make_attempt, make_job, make_worker
from tests.admin.conftest import staff as staff
from tests.app import tasks

pytestmark = pytest.mark.django_db
MARK = "only-for-those-who-may"
MODELS = (Job, Worker, LedgerEntry, TaskDefinition, PausedQueue, Schedule)
VIEWS = tuple(f"view_{model._meta.model_name}" for model in MODELS)


@pytest.fixture
def rows() -> dict[Any, Any]:
    """Give a row of every table, each with a mark that no page may tell."""
    job = make_job("FAILED", arguments={"args": [MARK], "kwargs": {}}, queue=MARK)
    make_attempt(job, traceback=MARK, exception_class=MARK)
    definition = TaskDefinition(path=MARK, queue=MARK, priority=0, max_attempts=1, synced_at=ago(1))
    definition.save()
    entry = LedgerEntry(scope="enqueue:x", key=MARK, job_id=job.pk, value=MARK, created_at=ago(1))
    entry.save()
    paused = PausedQueue.objects.create(backend="default", name=MARK)
    timed = Schedule(name=MARK, task_path=MARK, every=3600, queue=MARK, arguments={"args": [MARK], "kwargs": {}})
    timed.save()
    return {
        Job: job,
        Worker: make_worker(MARK),
        LedgerEntry: entry,
        TaskDefinition: definition,
        PausedQueue: paused,
        Schedule: timed,
    }


def addresses(rows: dict[Any, Any]) -> list[str]:
    """Return every address that the admin has for these tables, by its own list of them."""
    found = []
    for model, row in rows.items():
        for pattern in site._registry[model].urls:
            name = f"admin:{pattern.name}" if pattern.name else None
            for arguments in ([], [str(row.pk)]):
                try:
                    found.append(reverse(name, args=arguments)) if name else None
                except NoReverseMatch:
                    continue
    return sorted(set(found))


def forms(rows: dict[Any, Any]) -> list[dict[str, str]]:
    """Return what a form of the admin would send to act on a job."""
    job = str(rows[Job].pk)
    ticked = {"ids": job, "confirmed": "yes", "_selected_action": job, "index": "0", "post": "yes", "at": "1h"}
    return [
        {**ticked, "action": "retry_selected"},
        {**ticked, "action": "retry_at_selected"},
        {**ticked, "action": "copy_selected"},
        {**ticked, "action": "cancel_selected", "select_across": "1", "status": "SUCCESSFUL", "_save": "Save"},
        {**ticked, "action": "delete_selected"},
        {**ticked, "path": MARK, "backend": "default", "name": MARK},
        {"backend": "default", "name": "mail", "_save": "Save"},
        {**ticked, "_selected_action": str(rows[PausedQueue].pk), "action": "resume_selected"},
    ]


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (*MODELS, Attempt)]


def knock(client: Client, rows: dict[Any, Any], *, told: set[Any] = frozenset()) -> None:
    """Ask every address in every way, and check that nothing is changed; nor told, but of the tables in ``told``."""
    before, links = everything(), {model: addresses({model: row}) for model, row in rows.items()}
    assert sum(map(len, links.values())) >= 20
    for model, mine in links.items():
        for address in mine:
            answers = [client.get(address, {"ids": str(rows[Job].pk), "confirmed": "yes"})]
            answers += [client.post(address, form) for form in forms(rows)]
            for answer in answers:
                assert answer.status_code in (200, 302, 400, 403, 405), (address, answer.status_code)
                text = b"" if model in told else answer.content
                # Whoever asks for a page is told the address that he asked for.
                assert MARK not in text.decode().replace(address, ""), address
    assert everything() == before
    assert not LogEntry.objects.exists()


def test_nobody_who_is_not_signed_in(client: Client, rows: dict[Any, Any]) -> None:
    for address in addresses(rows):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))
    knock(client, rows)


def test_nobody_who_is_a_user_but_not_of_the_staff(client: Client, rows: dict[Any, Any]) -> None:
    client.force_login(User.objects.create_user("customer"))
    knock(client, rows)


def test_nobody_of_the_staff_without_permission(staff: Callable[..., Client], rows: dict[Any, Any]) -> None:
    knock(staff(), rows)


def test_whoever_may_look_sees_and_changes_nothing(staff: Callable[..., Client], rows: dict[Any, Any]) -> None:
    client = staff(*VIEWS)
    knock(client, rows, told=set(MODELS))
    assert MARK in client.get(reverse(JOBS)).content.decode()


def test_whoever_may_add_change_and_delete_but_not_look_or_press(
    staff: Callable[..., Client], rows: dict[Any, Any]
) -> None:
    names = [model._meta.model_name for model in MODELS]
    all_of_them = {f"{verb}_{name}" for name in names for verb in ("add", "change", "delete")}
    # To add a paused queue is to pause it, and whoever may do that may do it.
    knock(staff(*all_of_them - {"add_pausedqueue"}), rows)


def test_whoever_may_press_but_not_look(staff: Callable[..., Client], rows: dict[Any, Any]) -> None:
    verbs = ("retry_job", "cancel_job", "run_job", "copy_job", "delete_job", "decide_job", "view_payload_job")
    others = ("pause_taskdefinition", "run_taskdefinition", "delete_pausedqueue", "run_schedule")
    knock(staff(*verbs, *others), rows)


@pytest.mark.parametrize(("verb", "status", "after"), [("retry", "FAILED", "READY"), ("cancel", "READY", "FAILED")])
def test_a_verb_takes_a_token_a_permission_a_post_and_a_confirmation(
    staff: Callable[..., Client], verb: str, status: str, after: str
) -> None:
    """And then it is in the log."""
    job = make_job(status)
    address = reverse(f"admin:jobqueue_job_{verb}")
    whole = {"ids": str(job.pk), "confirmed": "yes"}
    user = staff("view_job", f"{verb}_job").session["_auth_user_id"]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(pk=user))

    assert strict.post(address, whole).status_code == 403
    assert strict.get(address, whole).status_code == 405
    token = strict.get(reverse(JOBS)).context["csrf_token"]
    assert strict.post(address, {"ids": str(job.pk), "csrfmiddlewaretoken": str(token)}).status_code == 200
    assert Job.objects.get().status == status
    assert not LogEntry.objects.exists()

    assert strict.post(address, {**whole, "csrfmiddlewaretoken": str(token)}).status_code == 302

    assert Job.objects.get().status == after
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (int(user), str(job.pk))


def test_to_run_a_task_takes_a_token_a_permission_a_post_and_a_yes(staff: Callable[..., Client]) -> None:
    """And a task that this process has: what a row names is not imported."""
    for path in (tasks.echo.module_path, "os.system"):
        TaskDefinition.objects.create(path=path, priority=0, max_attempts=1, synced_at=ago(1))
    address, other = (
        reverse("admin:jobqueue_taskdefinition_run", args=[path]) for path in (tasks.echo.module_path, "os.system")
    )
    whole = {"parameter-value": '"touch /tmp/x"', "confirmed": "on"}
    user = staff("view_taskdefinition", "run_taskdefinition").session["_auth_user_id"]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(pk=user))

    assert strict.post(address, whole).status_code == 403
    assert strict.get(address, whole).status_code == 200
    whole["csrfmiddlewaretoken"] = str(strict.get(address).context["csrf_token"])
    assert strict.post(address, {**whole, "confirmed": ""}).status_code == 200
    assert strict.post(other, whole).status_code == 404
    assert not Job.objects.exists()
    assert not LogEntry.objects.exists()

    assert strict.post(address, whole).status_code == 302

    assert Job.objects.get().task_path == tasks.echo.module_path
    assert {entry.user_id for entry in LogEntry.objects.all()} == {int(user)}


# fmt: off
ODD = [
    "' OR 1=1 --", '"; DROP TABLE jobqueue_job; --', "%", "_", "\\", "a\0b", "(a+)+$", "[", "*" * 2000, "\u202e", "-1",
    "1e9", "9" * 400, "NaN", "None", "true", "2026-13-45", "٣", "{{ 7*7 }}", "../../etc/passwd", "_00", " ",
]
FILTERS = {
    Job: ["status", "outcome", "exception", "gate", "queue", "task", "tag", "backend", "unknown",
          "worker_id", "since", "refresh"],
    Worker: ["state"], LedgerEntry: [], TaskDefinition: ["effects", "paused__exact"], PausedQueue: [],
    Schedule: ["paused__exact", "declared__exact"],
}
DJANGOS = ["q", "p", "o", "all", "e", "_to_field", "_popup", "_facets", "_changelist_filters"]
# fmt: on


@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value[:20]))
def test_no_filter_and_no_search_is_an_error_of_the_server(admin_client: Client, value: str) -> None:
    make_job("FAILED")
    make_worker()
    for model, names in FILTERS.items():
        address = reverse(f"admin:jobqueue_{model._meta.model_name}_changelist")
        for query in (dict.fromkeys(names, value), {"q": value}, *({name: value} for name in names if "\0" in value)):
            answer = admin_client.get(address, query)
            assert answer.status_code in (200, 302, 400), (address, query)


@pytest.mark.parametrize("name", DJANGOS)
def test_nor_is_what_django_itself_takes(admin_client: Client, name: str) -> None:
    make_job("FAILED")
    for value in ("a\0b", "-1", "9" * 400, "NaN", "1.2.3", "%5B", "status=\0", "result", "arguments"):
        assert admin_client.get(reverse(JOBS), {name: value}).status_code in (200, 302, 400), value
    if name == "q":
        for model in MODELS:
            address = reverse(f"admin:jobqueue_{model._meta.model_name}_changelist")
            assert admin_client.get(address, {"q": "*" * 60_000}).status_code == 200


def lookups() -> list[tuple[Any, str]]:
    """Return addresses that ask for something a list does not offer."""
    found = []
    for model in MODELS:
        for field in model._meta.concrete_fields:
            found += [(model, f"{field.name}__{lookup}") for lookup in ("regex", "startswith")]
            if field.get_internal_type() == "JSONField":
                found += [(model, f"{field.name}__kwargs__token__startswith"), (model, f"{field.name}__contains")]
    return [*found, (Job, "result"), (Job, "token"), (LedgerEntry, "value"), (Worker, "pid"), (Job, "pk__in")]


def test_no_address_filters_by_what_its_list_does_not_offer(admin_client: Client) -> None:
    """What is not shown could be told letter by letter, and an expression can take for ever."""
    answers = {
        (model.__name__, lookup): admin_client.get(
            reverse(f"admin:jobqueue_{model._meta.model_name}_changelist"), {lookup: "1"}
        ).status_code
        for model, lookup in lookups()
    }
    assert len(answers) > 100
    assert {asked: status for asked, status in answers.items() if status != 400} == {}


@pytest.mark.parametrize("key", ["nonsense", "a_00b", "_00", "9" * 400, "-1", "../../x", "\u202e", "0"])
def test_no_address_of_a_row_is_an_error_of_the_server(admin_client: Client, key: str) -> None:
    for model in MODELS:
        for page in ("change", "history", "delete"):
            answer = admin_client.get(reverse(f"admin:jobqueue_{model._meta.model_name}_{page}", args=[key]))
            assert answer.status_code in (302, 403, 404), (model, page)
    assert admin_client.post(reverse("admin:jobqueue_taskdefinition_run", args=[key])).status_code == 404


@pytest.mark.parametrize("ids", ["a\0", "\0", ",,,", "{" * 10_000, "9" * 10_000, "[]", "*", ",".join(["x"] * 5000)])
def test_no_list_of_ids_is_an_error_of_the_server(admin_client: Client, ids: str) -> None:
    for verb in ("retry", "cancel"):
        answer = admin_client.post(reverse(f"admin:jobqueue_job_{verb}"), {"ids": ids, "confirmed": "yes", "back": ids})
        assert answer.status_code in (302, 400)
    data = {"action": "retry_selected", "index": "0", "_selected_action": ids}
    assert admin_client.post(reverse(JOBS), data).status_code in (200, 302, 400)
