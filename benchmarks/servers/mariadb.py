"""A MariaDB of one's own: the packaged server with its default configuration, so every commit is flushed to disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .programs import Missing, find, free_port, give, run, running, unprivileged

_HINT = "apt-get install mariadb-server, or set MARIADB_URL to a server where databases may be created."


@contextlib.contextmanager
def own_mariadb(directory: Path) -> Iterator[str]:
    """Yield the URL of a new server's databases, up to their name; raises Missing."""
    try:
        import MySQLdb  # Optional: pip install django-jobqueue[mysql].
    except ImportError as error:
        raise Missing("mysqlclient is missing: pip install mysqlclient.") from error
    install = find("mariadb-install-db", hint=_HINT)
    server = find("mariadbd", "/usr/sbin", "/usr/libexec", hint=_HINT)
    user = unprivileged("mysql")
    home = directory / "mariadb"
    home.mkdir()
    give(home, user)
    data = str(home / "data")
    run([install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"], user=user)
    port = free_port()
    # fmt: off
    command = [
        server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
        f"--socket={home}/socket", f"--pid-file={home}/pid",
    ]
    # fmt: on
    with running(
        command,
        user=user,
        log=directory / "mariadb.log",
        answers=lambda: MySQLdb.connect(host="127.0.0.1", port=port, user="root").close(),
    ):
        yield f"mysql://root@127.0.0.1:{port}"
