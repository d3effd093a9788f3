"""JOBQUEUE_POINT: what it asks for happens there and then, once if it says so; what makes no sense is refused."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from jobqueue import mishaps, points
from tests.processes import ROOT

POINT = "settle.after"


@pytest.fixture(autouse=True)
def _obeys_nothing_afterwards(monkeypatch):
    monkeypatch.setattr(points, "listener", None)
    monkeypatch.setattr(mishaps, "role", "other")


def happens(point=POINT):
    try:
        points.reached(point)
    except mishaps.Mishap:
        return True
    return False


def python(code, **environment):
    """Start a process that comes to that point."""
    code = f"from jobqueue import mishaps, points; mishaps.obey({environment['JOBQUEUE_POINT']!r}); {code}"
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


@pytest.mark.parametrize("nothing", [None, "", "  ", ";"])
def test_without_an_order_nobody_listens(nothing):
    mishaps.obey(nothing)
    assert points.listener is None


def test_an_error_is_raised_at_the_point_that_is_named_and_at_no_other():
    mishaps.obey(f"{POINT}=raise")
    assert [happens(), happens("settle.before"), happens()] == [True, False, True]


def test_it_happens_the_nth_time_only():
    mishaps.obey(f"{POINT}=raise,nth=2")
    assert [happens() for _ in range(4)] == [False, True, False, False]


def test_it_happens_in_the_role_that_is_named(monkeypatch):
    mishaps.obey(f"{POINT}=raise,role=worker,nth=1")
    assert not happens()
    monkeypatch.setattr(mishaps, "role", "worker")
    assert happens()


def test_a_marker_is_made_by_the_first_alone(tmp_path):
    mishaps.obey(f"{POINT}=raise,marker={tmp_path}/once")
    assert [happens(), happens()] == [True, False]
    assert (tmp_path / "once").read_text() == f"{os.getpid()} {POINT}\n"


def test_several_orders_are_all_obeyed():
    mishaps.obey(f"{POINT}=raise; settle.before=raise,nth=2")
    assert [happens(), happens("settle.before"), happens("settle.before")] == [True, False, True]


def test_a_delay_takes_its_time():
    mishaps.obey(f"{POINT}=delay:0.2")
    began = time.monotonic()
    points.reached(POINT)
    assert time.monotonic() - began >= 0.2


def test_a_killed_process_gets_no_further():
    process = python(f"points.reached({POINT!r}); print('further')", JOBQUEUE_POINT=f"{POINT}=kill")
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (-signal.SIGKILL, b"")


def test_a_frozen_process_goes_on_where_it_was():
    process = python(f"points.reached({POINT!r}); print('further')", JOBQUEUE_POINT=f"{POINT}=freeze")
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"further\n")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("settle.aftr=kill", "'settle.aftr' is no point (did you mean 'settle.after'?)"),
        ("=kill", "'' is no point"),
        ("settle.after", "'' is nothing that can happen: kill, freeze, raise and delay:SECONDS are"),
        ("settle.after=kil", "'kil' is nothing that can happen"),
        ("settle.after=delay:soon", "'delay:soon' is nothing that can happen"),
        ("settle.after=delay:-1", "'delay:-1' is nothing that can happen"),
        ("settle.after=delay:nan", "'delay:nan' is nothing that can happen"),
        ("settle.after=kill,nth=0", "nth=0 is not a whole number, 1 or more"),
        ("settle.after=kill,nth=x", "nth=x is not a whole number, 1 or more"),
        ("settle.after=kill,role=boss", "role=boss is none of worker, executor, other"),
        ("settle.after=kill,once", "'once' is no option: nth=, role= and marker= are"),
        ("settle.after=kill,marker=/no/such/place", "marker=/no/such/place is not in a directory that exists"),
        ("settle.before=kill;settle.aftr=kill", "'settle.aftr' is no point"),
    ],
)
def test_what_makes_no_sense_is_refused(text, wrong):
    with pytest.raises(ImproperlyConfigured) as caught:
        mishaps.obey(text)
    assert f"JOBQUEUE_POINT is wrong: {wrong}" in str(caught.value)
    assert "unset it" in str(caught.value)
    assert points.listener is None


def test_a_worker_says_loudly_that_it_breaks_itself(monkeypatch, caplog):
    monkeypatch.setenv("JOBQUEUE_POINT", f"{POINT}=kill")
    mishaps.announce()
    assert f"this worker breaks itself on purpose ({POINT}=kill)" in caplog.text
    assert mishaps.role == "worker"


def test_a_worker_says_nothing_without_need(monkeypatch, caplog):
    monkeypatch.delenv("JOBQUEUE_POINT", raising=False)
    mishaps.announce()
    assert not caplog.records


@pytest.mark.django_db
@pytest.mark.parametrize("is_set", [True, False])
def test_check_deploy_warns_of_it(monkeypatch, capsys, is_set):
    if is_set:
        monkeypatch.setenv("JOBQUEUE_POINT", f"{POINT}=kill")
    else:
        monkeypatch.delenv("JOBQUEUE_POINT", raising=False)
    call_command("check", "--deploy")
    assert ("jobqueue.W003" in capsys.readouterr().err) == is_set
    call_command("check")
    assert "jobqueue.W003" not in capsys.readouterr().err
