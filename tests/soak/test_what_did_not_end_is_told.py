"""A job that did not end is told with all that is known of it, for nobody can look when the soak is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from tests import rows
from tests.app.sessions import session_of
from tests.soak import report
from tests.soak.evidence import evidence
from tests.soak.facts import Seen
from tests.soak.test_what_is_wrong_is_told import chapter, soak
from tests.waiting import wait_until


def running(directory: Path) -> Seen:
    rows.worker("w-1")
    job_id = rows.claimed("w-1").job_id
    job = rows.job(job_id)
    (directory / "history").mkdir()
    (directory / "history" / "11-12-13").write_text("begin 1.5 only-1 - note\nbegin 1.5 other-1 - \n")
    (directory / "worker-0-0.log").write_text(f"Job {job_id} runs.\nSomething else.\n")
    return Seen(
        str(job_id), "only-1", job.status, "", 1, str(job.token), 0, job.worker_id, "", None, str(job.started_at)
    )


@pytest.mark.django_db(transaction=True)
def test_its_owner_its_words_and_the_processes_that_are_left(tmp_path: Path) -> None:
    seen = running(tmp_path)
    lines = evidence([seen], ["11 T python"], tmp_path)
    assert lines[:4] == [
        f"{seen}, of w-1 since {seen.started_at}, token {seen.token}",
        "  1.500 pid 11, thread 12: begin note",
        f"  worker-0-0.log: Job {seen.id} runs.",
        "process 11 T python",
    ]
    assert [line for line in lines[4:] if line.startswith("worker w-1 1 ")]
    assert f"known of what did not end:\n{lines[0]}" in report.text(soak(chapter(evidence=lines)))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="It has no sessions.")
@pytest.mark.django_db(transaction=True)
def test_who_has_it_locked(tmp_path: Path) -> None:
    seen, other = running(tmp_path), connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM jobqueue_job FOR UPDATE")
        told = f"transaction {session_of(other)} "
        # MariaDB looks at its transactions anew once nobody has asked for a tenth of a second.
        wait_until(lambda: any(line.startswith(told) for line in evidence([seen], [], tmp_path)), every=0.3)
    finally:
        other.rollback()
        other.close()
