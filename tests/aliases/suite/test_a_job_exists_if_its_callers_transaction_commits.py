"""enqueue_on_commit(): the job exists if and only if the caller's transaction on another database committed. S11."""

import io
import threading
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.tasks import TaskResultStatus, task_backends
from django.tasks.exceptions import InvalidTask

from jobqueue import elsewhere, ledger, lifecycle, results, schedules
from jobqueue.errors import NotMigrated
from jobqueue.models import Gate, Job, LedgerEntry, Tag
from jobqueue.worker import judge as judging
from jobqueue.worker.judge import Judge
from tests import rows
from tests.aliases.suite.bodies import on_commit_there
from tests.app.limited_tasks import alone
from tests.app.models import Entry
from tests.app.tasks import echo
from tests.app.unique_tasks import refresh
from tests.effects.runs import elsewhere as in_a_thread
from tests.rows import claim
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("transactional_db")


@contextmanager
def ended(*, well):
    """Have a transaction that is committed or undone in the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(not well)


@pytest.fixture
def at_once(monkeypatch):
    """Have the judge judge without waiting for the caller to do so."""
    monkeypatch.setattr(judging, "_AFTER", -judging._AFTER)
    return Judge()


def job(result):
    return Job.objects.filter(pk=result.id).first()


def left():
    """Return what the ledgers still hold: what waits, and the markers."""
    return LedgerEntry.objects.using("jobs").count(), LedgerEntry.objects.using("default").count()


def test_it_waits_until_then_and_its_id_is_known_at_once():
    with transaction.atomic():
        result = echo.enqueue_on_commit(7)
        seen = in_a_thread(lambda: job(result))
        assert (seen.status, seen.gate) == ("READY", Gate.COMMIT)
        assert in_a_thread(claim) == []
        assert in_a_thread(lambda: results.get(result.id).status) == TaskResultStatus.READY
    assert (job(result).gate, len(claim())) == (Gate.OPEN, 1)
    assert left() == (0, 1)


def test_outside_a_transaction_it_is_enqueue():
    result = echo.enqueue_on_commit(7)
    assert (job(result).gate, left()) == (Gate.OPEN, (0, 0))


def test_on_the_alias_of_the_jobs_it_is_enqueue():
    with transaction.atomic(using="jobs"):
        result = echo.using(commit_on="jobs").enqueue_on_commit(7)
        assert job(result).gate == Gate.OPEN
        assert in_a_thread(lambda: job(result)) is None
    assert left() == (0, 0)


def test_a_task_may_always_wait():
    with transaction.atomic():
        result = echo.using(commit_on="default").enqueue(7)
        assert in_a_thread(lambda: job(result).gate) == Gate.COMMIT
    assert job(result).gate == Gate.OPEN


def test_its_limit_holds_for_it_once_that_has_committed(at_once, monkeypatch):
    with transaction.atomic():
        alone.enqueue_on_commit("a")
        waits = alone.enqueue_on_commit("b")
        assert in_a_thread(lambda: (job(waits).gate, job(waits).limit_key)) == (Gate.COMMIT, alone.module_path)
    assert job(waits).gate == Gate.LIMIT
    monkeypatch.setattr(elsewhere, "on_commit", lambda *_: None)
    with transaction.atomic():
        third = alone.enqueue_on_commit("c")
    at_once.tick()
    assert job(third).gate == Gate.LIMIT


def test_a_schedule_waits_for_no_transaction_of_another():
    """A worker ticks with none open elsewhere."""
    made = rows.schedule("nightly", on_commit_there, 7, late=5)
    (job_id,) = schedules.tick(made.pk).job_ids
    assert (Job.objects.get(pk=job_id).gate, left()[1]) == (Gate.OPEN, 0)


def test_it_goes_with_a_transaction_that_is_undone(at_once):
    with ended(well=False):
        result = echo.enqueue_on_commit(7)
    assert (job(result).gate, claim()) == (Gate.COMMIT, [])
    at_once.tick()
    assert (job(result), left()) == (None, (0, 0))


def test_so_do_its_tags(at_once):
    with ended(well=True):
        kept = echo.using(tags=["kept"]).enqueue_on_commit(7)
    with ended(well=False):
        echo.using(tags=["undone"]).enqueue_on_commit(7)
    assert set(Tag.objects.values_list("name", flat=True)) == {"kept", "undone"}
    at_once.tick()
    assert [(str(it.job_id), it.name) for it in Tag.objects.all()] == [(kept.id, "kept")]


def test_it_goes_with_a_part_of_a_transaction_that_is_undone(at_once):
    with transaction.atomic():
        kept = echo.enqueue_on_commit(1)
        with ended(well=False):
            undone = echo.enqueue_on_commit(2)
    at_once.tick()
    assert (job(undone), job(kept).gate, left()) == (None, Gate.OPEN, (0, 1))


def test_nobody_judges_while_the_transaction_is_open(at_once):
    with transaction.atomic():
        result = echo.enqueue_on_commit(7)
        in_a_thread(at_once.tick)
        assert in_a_thread(lambda: job(result).gate) == Gate.COMMIT
    assert job(result).gate == Gate.OPEN


@pytest.mark.parametrize("commits", [True, False])
def test_who_judges_waits_for_the_transaction_and_goes_by_how_it_ends(monkeypatch, commits):
    """Between the look and the insert of who judges, the caller's transaction ends: there is no gap between the two."""
    looked, over, verdicts = threading.Event(), threading.Event(), []
    really = ledger.is_marked

    def looks_and_waits(*arguments):
        seen = really(*arguments)
        looked.set()
        over.wait(10)
        return seen

    monkeypatch.setattr(ledger, "is_marked", looks_and_waits)

    def judge():
        verdicts.append(lifecycle.judge_commit(Job.objects.get().pk, database="default"))
        connections.close_all()

    thread = threading.Thread(target=judge)
    with ended(well=commits):
        result = echo.enqueue_on_commit(7)
        thread.start()
        assert looked.wait(10)
    over.set()
    thread.join(30)
    assert verdicts == [commits]
    assert (job(result) is not None) == commits


def test_a_caller_that_died_behind_its_commit_has_its_job_done(at_once, monkeypatch):
    monkeypatch.setattr(elsewhere, "on_commit", lambda *_: None)
    with transaction.atomic():
        result = echo.enqueue_on_commit(7)
    assert job(result).gate == Gate.COMMIT
    at_once.tick()
    assert (job(result).gate, left()) == (Gate.OPEN, (0, 1))


def test_a_marker_that_cannot_be_made_enqueues_nothing(monkeypatch):
    monkeypatch.setattr(ledger, "_present", set())
    monkeypatch.setattr(connections["default"].introspection, "table_names", list)
    with transaction.atomic(), pytest.raises(NotMigrated, match="migrate jobqueue --database default"):
        echo.enqueue_on_commit(7)
    assert not Job.objects.exists()


def test_an_error_of_the_jobs_database_leaves_a_marker_that_means_nothing(at_once, monkeypatch):
    monkeypatch.setattr(ledger, "wait_for_commit", lambda *_, **__: 1 / 0)
    with transaction.atomic():
        Entry.objects.create(note="kept")
        with pytest.raises(ZeroDivisionError):
            echo.enqueue_on_commit(7)
    at_once.tick()
    assert (Entry.objects.count(), Job.objects.count()) == (1, 0)


def test_an_error_of_the_jobs_database_behind_the_commit_is_none_of_the_callers(at_once, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(elsewhere.lifecycle, "open_gate", lambda _: 1 / 0)
        with transaction.atomic():
            result = echo.enqueue_on_commit(7)
    assert job(result).gate == Gate.COMMIT
    at_once.tick()
    assert job(result).gate == Gate.OPEN


@pytest.mark.parametrize("task", [echo, alone], ids=lambda task: task.name)
@pytest.mark.parametrize("committed", [True, False])
def test_one_that_was_cancelled_meanwhile(at_once, committed, task):
    with ended(well=committed):
        result = task.enqueue_on_commit(7)
        in_a_thread(lambda: lifecycle.cancel(job(result).pk))
    at_once.tick()
    assert (job(result) and (job(result).status, job(result).gate)) == (("FAILED", Gate.OPEN) if committed else None)


@pytest.mark.parametrize("committed", [True, False])
def test_one_that_was_cancelled_and_retried_meanwhile_still_waits(at_once, committed):
    def change_ones_mind():
        lifecycle.cancel(job(result).pk)
        lifecycle.retry(job(result).pk)
        return job(result).gate

    with ended(well=committed):
        result = alone.enqueue_on_commit()
        assert in_a_thread(change_ones_mind) == Gate.COMMIT
    at_once.tick()
    assert (job(result) and (job(result).status, job(result).gate)) == (("READY", Gate.LIMIT) if committed else None)


def test_an_alias_that_this_worker_does_not_have_is_left_to_others(at_once, caplog):
    with ended(well=False):
        result = echo.enqueue_on_commit(7)
    LedgerEntry.objects.using("jobs").update(value="tenant")
    at_once.tick()
    at_once.tick()
    assert job(result).gate == Gate.COMMIT
    assert caplog.text.count("which this worker's DATABASES does not have") == 1


def test_what_cannot_wait_is_refused():
    with pytest.raises(InvalidTask, match=r"commit_on='defalt' is not in DATABASES\. Did you mean 'default'\?"):
        echo.using(commit_on="defalt")
    with transaction.atomic():
        with pytest.raises(InvalidTask, match="leave out that"):
            echo.using(idempotency_key="k").enqueue_on_commit(7)
        with pytest.raises(InvalidTask, match="leave out that"):
            refresh.enqueue_on_commit(7)
        with pytest.raises(InvalidTask, match="leave out after"):
            echo.using(after=[uuid4()]).enqueue_on_commit(7)
        with pytest.raises(InvalidTask, match="one by one"):
            echo.using(commit_on="default").enqueue_many([((1,), {})])
    assert (Job.objects.count(), left()) == (0, (0, 0))


def test_a_transaction_that_is_not_of_atomic_is_refused():
    """Nobody would be told of its COMMIT."""
    transaction.set_autocommit(False)
    try:
        with pytest.raises(TransactionManagementError, match=r"not opened by atomic\(\)"):
            echo.enqueue_on_commit(7)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert not Job.objects.exists()


def test_young_markers_stay():
    with transaction.atomic():
        echo.enqueue_on_commit(1)
    ledger.forget_markers(connections["default"], connections["jobs"], limit=10)
    assert left() == (0, 1)


def test_old_markers_go_but_for_those_that_are_waited_for(monkeypatch):
    monkeypatch.setattr(ledger, "_MARKERS_KEPT", -ledger._MARKERS_KEPT)
    with transaction.atomic():
        echo.enqueue_on_commit(1)
    monkeypatch.setattr(elsewhere, "on_commit", lambda *_: None)
    with transaction.atomic():
        waits = echo.enqueue_on_commit(2)
    assert left() == (1, 2)
    ledger.forget_markers(connections["default"], connections["jobs"], limit=10)
    assert str(LedgerEntry.objects.using("default").get().job_id) == waits.id


def test_markers_of_jobs_elsewhere_stay(monkeypatch):
    monkeypatch.setattr(ledger, "_MARKERS_KEPT", -ledger._MARKERS_KEPT)
    with transaction.atomic():
        echo.enqueue_on_commit(1)
    LedgerEntry.objects.using("default").update(value="another database")
    ledger.forget_markers(connections["default"], connections["jobs"], limit=10)
    assert left() == (0, 1)


def test_what_it_waits_for_is_told(client):
    with ended(well=False):
        result = echo.enqueue_on_commit(7)
    out = io.StringIO()
    call_command("jobs", "show", result.id, stdout=out)
    assert "READY (waits for a commit)" in out.getvalue()
    client.force_login(User.objects.create_superuser("root"))
    assert "waits for a commit" in client.get("/admin/jobqueue/job/").text


def test_a_worker_does_what_was_committed_and_clears_away_what_was_not(start_worker, backend_alias):
    task = echo.using(backend=backend_alias)
    start_worker("--backend", backend_alias, "--concurrency", "1", "--no-reload").wait_started()
    with transaction.atomic():
        committed = task.enqueue_on_commit(1)
    with ended(well=False):
        undone = task.enqueue_on_commit(2)
    wait_until(lambda: job(committed).status == "SUCCESSFUL", 30)
    wait_until(lambda: job(undone) is None, 30)
    assert task_backends[backend_alias].get_result(committed.id).return_value == 1
