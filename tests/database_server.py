"""PostgreSQL and MariaDB servers of a test's own, to be killed, crowded and set back to an older state."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from jobqueue.worker.lifeline import die_with_parent
from tests.waiting import wait_until

START_SECONDS = 60.0


class ServerMissing(RuntimeError):
    """The program of a server is not installed: where it is needed it is a failure, elsewhere a test to be skipped."""


def program(name: str) -> str:
    """Return the path of a program of a server; Debian keeps those of PostgreSQL out of PATH."""
    found = shutil.which(name) or max(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), default="")
    if not found:
        raise ServerMissing(f"There is no {name} here.")
    return found


class OwnServer:
    """A server in a directory of its own, with a database "jobqueue". It dies with this process."""

    user = "root"
    scheme: ClassVar[str]

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="jobqueue-server-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._data = self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._account: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
        if self._account:
            shutil.chown(self.directory, **self._account)
        self._create()

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"{self.scheme}://{self.user}@127.0.0.1:{self.port}/jobqueue"

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return (self.directory / "log").read_text(errors="replace")

    def start(self, *options: str, env: dict[str, str] | None = None) -> None:
        """Start the server with these options, and wait until it answers; after a crash it recovers by itself."""
        with (self.directory / "log").open("ab") as log:
            self._process = self._spawn([*self._command(), *options], log, env or {})
        wait_until(self._answers, START_SECONDS)

    def pids(self) -> list[int]:
        """Return the processes of the server, its own first."""
        assert self._process is not None
        pid = self._process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def kill(self) -> None:
        """Kill every process of the server at once (SIGKILL): what it has not given to the system is lost."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)  # Or it would start new ones meanwhile.
        for pid in reversed(self.pids()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the server in order, or as that signal means to it."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(START_SECONDS)
        self._process = None

    def is_running(self) -> bool:
        """Return whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def keep_copy(self) -> None:
        """Keep what the stopped server has on disk."""
        shutil.copytree(self._data, self.directory / "copy")

    def put_copy_back(self) -> None:
        """Give the stopped server back what was kept, as a failover to a replica that is behind would."""
        shutil.rmtree(self._data)
        (self.directory / "copy").rename(self._data)
        for path in [self._data, *self._data.rglob("*")] if self._account else []:
            shutil.chown(path, **self._account)

    def close(self) -> None:
        """End the server and remove what it wrote."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False, **self._account)
        assert done.returncode == 0, done.stdout + done.stderr

    def _spawn(self, command: list[str], log: Any, env: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=self._prepare,
            **self._account,
        )

    def _prepare(self) -> None:
        """Do in the new process what has to be done before it becomes the server."""
        die_with_parent()

    def _create(self) -> None:
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError

    def say(self, statement: str) -> None:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class OwnPostgres(OwnServer):
    """PostgreSQL. Its WAL is written late unless a COMMIT waits for it, so that kill() loses what did not wait."""

    scheme = "postgres"

    def _create(self) -> None:
        flags = ["--username", self.user, "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"]
        self._run(program("initdb"), "--pgdata", str(self._data), *flags)
        self.start()
        self.say("CREATE DATABASE jobqueue")
        self.stop(signal.SIGINT)

    def _command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "wal_writer_delay": "10s",
            # It is killed, the machine is not: what was written is there, and need not be synced before recovery.
            "fsync": "off",
            "max_connections": 200,
            "shared_buffers": "16MB",
        }
        return [program("postgres"), "-D", str(self._data), *(f"--{name}={value}" for name, value in settings.items())]

    def say(self, statement: str) -> None:
        """Have the server execute a statement, as its administrator."""
        import psycopg  # Only who tests with PostgreSQL has it.

        with psycopg.connect(self.url.replace("/jobqueue", "/postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        import psycopg

        assert self.is_running(), self.log
        try:
            self.say("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


class OwnMariaDB(OwnServer):
    """MariaDB."""

    scheme = "mysql"

    def _create(self) -> None:
        self._run(
            program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self._data}",
            f"--tmpdir={self.directory}",  # Each that starts removes the temporary tables in it, also another server's.
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        )
        self.start()
        self.say("CREATE DATABASE jobqueue")
        self.stop()

    def _command(self) -> list[str]:
        settings = {
            "datadir": self._data,
            "tmpdir": self.directory,
            "port": self.port,
            "bind-address": "127.0.0.1",
            "socket": self.directory / "socket",
            "pid-file": self.directory / "pid",
            "innodb-buffer-pool-size": "32M",
            "max-connections": 200,
            "skip-name-resolve": "ON",
        }
        return [program("mariadbd"), "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]

    def say(self, statement: str) -> None:
        """Have the server execute a statement, as its administrator."""
        import MySQLdb  # Only who tests with MariaDB has it.

        with contextlib.closing(MySQLdb.connect(host="127.0.0.1", port=self.port, user=self.user)) as connection:
            connection.query(statement)

    def _answers(self) -> bool:
        import MySQLdb

        assert self.is_running(), self.log
        try:
            self.say("SELECT 1")
        except MySQLdb.OperationalError:
            return False
        return True
