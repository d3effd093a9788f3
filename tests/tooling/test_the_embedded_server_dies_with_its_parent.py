import signal
import subprocess
import sys
import urllib.parse

import redis

from project.embedded import embedded_redis
from tests.processes import ROOT
from tests.redis_server import OwnRedis
from tests.waiting import wait_until


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_it_runs_for_the_length_of_the_block():
    with embedded_redis() as url:
        assert answers(url)
        with redis.Redis.from_url(url) as client:
            # Nothing is ever written to a disk.
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
    assert not answers(url)


def test_a_killed_parent_takes_it_along():
    code = (
        "from project.embedded import embedded_redis\n"
        "import sys\n"
        "with embedded_redis() as url:\n"
        "    print(url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        url = parent.stdout.readline().strip()
        assert answers(url)
        parent.send_signal(signal.SIGKILL)
        assert parent.wait() == -signal.SIGKILL
        wait_until(lambda: not answers(url), 5)


def test_ctrl_c_in_the_terminal_does_not_reach_it():
    code = (
        "import signal\n"
        "from project.embedded import embedded_redis\n"
        # As in a terminal: what a script has put into the background ignores the signal, and so do its children.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with embedded_redis() as url:\n"
        "    try:\n"
        "        print(url, flush=True)\n"
        "        input()\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', flush=True)\n"
        "        input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        url = parent.stdout.readline().strip()
        # The parent leads its group, as a shell's foreground job does.
        subprocess.run(["kill", "-INT", "--", f"-{parent.pid}"], check=True)
        assert parent.stdout.readline().strip() == "interrupted"
        assert answers(url)
        parent.communicate("\n")
    assert not answers(url)


def test_a_frozen_server_ends_too():
    server = OwnRedis()
    server.pause()
    server.close()
    assert not answers(server.url)


def test_a_killed_server_comes_back_empty_at_the_same_address(own_redis):
    url = own_redis.url
    with own_redis.client() as client:
        client.set("key", "value")
    own_redis.kill()
    assert not answers(url)
    own_redis.start()
    assert own_redis.url == url
    with own_redis.client() as client:
        assert client.dbsize() == 0


def test_a_port_in_use_is_a_clear_error():
    with embedded_redis() as url:
        port = urllib.parse.urlsplit(url).port
        run = subprocess.run(
            [sys.executable, "-m", "project.embedded", "--port", str(port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert run.returncode == 1
    assert run.stdout == ""
    assert "Address already in use" in run.stderr


def test_a_command_gets_one_and_keeps_its_exit_status():
    code = "import os, sys; print(os.environ['REDIS_URL']); sys.exit(7)"
    run = subprocess.run(
        [sys.executable, "-m", "project.embedded", sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 7
    assert run.stdout.startswith("redis://127.0.0.1:")
    assert not answers(run.stdout.strip())
