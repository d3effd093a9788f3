import subprocess
import sys
import tarfile
import zipfile

import pytest

import jobqueue
from tests.processes import ROOT

# What the app reads at run time, and what type checkers and migrations need.
CARRIED = {".py", ".lua", ".html", ".css", ".js", ".svg", ".typed", ".po", ".mo"}


def build(kind, directory):
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(directory)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    (path,) = directory.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("dist"))) as archive:
        yield archive


def test_it_has_every_file_of_the_app(wheel):
    package = ROOT / "jobqueue"
    files = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.suffix in CARRIED}
    assert {"jobqueue/py.typed", "jobqueue/leases/lua/renew.lua", "jobqueue/locale/de/LC_MESSAGES/django.mo"} <= files
    assert files <= set(wheel.namelist())


def test_the_source_has_the_translations_ready_to_be_read(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"jobqueue/locale/de/LC_MESSAGES/django.{kind}" for kind in ("po", "mo")} <= names


def test_it_has_nothing_else(wheel):
    rooms = {name.split("/")[0] for name in wheel.namelist()}
    assert rooms == {"jobqueue", f"django_jobqueue-{jobqueue.__version__}.dist-info"}


def test_it_asks_for_no_more_than_django_a_redis_client_and_a_reader_of_cron(wheel):
    (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    wanted = {
        line.split(": ")[1].split(">")[0].lower()
        for line in lines
        if line.startswith("Requires-Dist") and "extra ==" not in line
    }
    assert wanted == {"django", "django-redis", "redis", "cronsim"}
