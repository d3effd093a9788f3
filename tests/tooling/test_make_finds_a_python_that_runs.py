import re
import subprocess
import sys

from tests.processes import ROOT


def make(*arguments, path, home):
    return subprocess.run(
        ["/usr/bin/env", "-i", f"PATH={path}:/usr/bin:/bin", f"HOME={home}", "make", "--silent", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def command(directory, name, script):
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def find(path, home):
    return make("--eval=find: ; @$(FIND_PYTHON)", "find", path=path, home=home)


def test_names_on_path_that_fail_or_are_too_old_are_passed_over(tmp_path):
    shims = tmp_path / "shims"
    command(shims, "python3.14", "echo 'not installed' >&2; exit 127")
    command(shims, "python3.13", "exit 1")
    command(shims, "python3.12", f'exec {sys.executable} "$@"')
    assert find(shims, tmp_path).stdout.strip() == "python3.12"


def test_a_version_manager_s_own_folder_is_looked_into(tmp_path):
    for name in ("python3.14", "python3.13", "python3.12", "python3", "python"):
        command(tmp_path / "shims", name, "exit 1")
    real = command(tmp_path / ".pyenv/versions/3.13.0/bin", "python", f'exec {sys.executable} "$@"')
    assert find(tmp_path / "shims", tmp_path).stdout.strip() == str(real)


def test_without_any_it_says_what_to_do(tmp_path):
    for name in ("python3.14", "python3.13", "python3.12", "python3", "python"):
        command(tmp_path / "shims", name, "exit 1")
    run = find(tmp_path / "shims", tmp_path)
    assert run.returncode != 0
    assert "No Python 3.12 or newer" in run.stderr
    assert "make PYTHON=" in run.stderr


def test_help_tells_of_every_command(tmp_path):
    targets = set(re.findall(r"^\.PHONY: ([a-z]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"install"}
    told = {line.split()[1] for line in make("help", path="/usr/bin", home=tmp_path).stdout.splitlines()}
    assert told == targets
