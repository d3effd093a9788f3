"""A worker that stumbles and goes on has lost nothing, but it has met what nobody foresaw: a soak says so."""

import pytest

from tests.soak.complaints import last_words, unforeseen

WHEN = "2026-11-24 23:19:17,101 4711"
TRACEBACK = ["Traceback (most recent call last):", '  File "renewer.py", line 73, in tick', "    self._record()"]


def log(*, says="jobqueue-heartbeat failed; trying again.", error="AttributeError: no attribute 'ping'"):
    return [
        f"{WHEN} INFO jobqueue.worker: Worker w-1 started.",
        f"{WHEN} ERROR jobqueue.worker: {says}",
        *TRACEBACK,
        "ValueError: the first of two",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        *TRACEBACK,
        error,
    ]


@pytest.mark.parametrize("after", [[], [f"{WHEN} INFO jobqueue.worker: Worker w-1 stopped."]])
def test_the_last_error_is_told(after):
    (told,) = unforeseen([*log(), *after])
    assert told == "jobqueue-heartbeat failed; trying again. AttributeError: no attribute 'ping'"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(log(says="Job 1 (flaky) raised and will be tried again."), id="of a body"),
        pytest.param(log(error="jobqueue.mishaps.Mishap: JOBQUEUE_POINT asks for it."), id="asked for"),
        pytest.param(log()[:1], id="none"),
    ],
)
def test_others_are_not(lines):
    assert not list(unforeseen(lines))


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (0, "Worker w-1 stopped.", ""),
        (-9, "anything", ""),
        (1, "jobqueue.mishaps.Mishap: asked for", ""),
        (1, "django.db.utils.OperationalError: connection refused\n\tIs the server running?", ""),
        (1, "TypeError: no", "log ended with 1: TypeError: no"),
    ],
)
def test_a_worker_that_ended_by_itself_is_told(tmp_path, code, said, expected):
    (tmp_path / "log").write_text(f"something\n{said}\n\n")
    assert last_words(tmp_path / "log", code) == expected
