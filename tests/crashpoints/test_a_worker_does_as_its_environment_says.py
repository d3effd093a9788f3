"""JOBQUEUE_POINT reaches the processes of a worker as a user starts it; the sweep starts them in a quicker way."""

from django.tasks import TaskResultStatus

from jobqueue.models import Job, Worker
from tests import rows
from tests.app.tasks import echo
from tests.waiting import wait_until


def test_an_executor_dies_where_it_is_told_to(start_worker, tmp_path):
    marker = tmp_path / "reached"
    job_id = rows.enqueue(echo, 1)
    worker = start_worker(
        "--concurrency", "1", "--no-reload", env={"JOBQUEUE_POINT": f"run.before=kill,role=executor,marker={marker}"}
    )
    wait_until(lambda: Job.objects.get(pk=job_id).status == TaskResultStatus.SUCCESSFUL, 30)
    pid, point = marker.read_text().split()
    assert point == "run.before"
    assert int(pid) != worker.pid
    assert Job.objects.get(pk=job_id).crashes == 1
    assert f"Executor {pid} is gone: was killed by signal 9" in worker.output
    assert "JOBQUEUE_POINT is set: this worker breaks itself on purpose" in worker.output


def test_a_worker_does_not_start_on_nonsense(start_worker):
    worker = start_worker("--no-reload", env={"JOBQUEUE_POINT": "run.befor=kill"})
    assert worker.wait(30) != 0
    assert "'run.befor' is no point (did you mean 'run.before'?)" in worker.output
    assert not Worker.objects.exists()
