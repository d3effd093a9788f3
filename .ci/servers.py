"""Asks each server of CI for a sign of life, so that a missing one is named in a line instead of a thousand failures.

Usage: servers.py URL…
"""

from __future__ import annotations

import sys
import urllib.parse

import dj_database_url
import django
import redis
from django.conf import settings
from django.db import connections

SECONDS = 5


def ask(url: str) -> str:
    """Return the version of the server; raises whatever its client raises."""
    if url.startswith("redis"):
        with redis.Redis.from_url(url, socket_timeout=SECONDS) as client:
            return f"Redis {client.info('server')['redis_version']}"
    with connections[url].cursor() as cursor:
        cursor.execute("SELECT version()")
        return str(cursor.fetchone()[0])


def main(urls: list[str]) -> int:
    """Print a line for each server; return 1 when one did not answer."""
    databases = {
        url: dj_database_url.parse(url) | {"OPTIONS": {"connect_timeout": SECONDS}}
        for url in urls
        if not url.startswith("redis")
    }
    settings.configure(DATABASES={"default": {}, **databases})
    django.setup()
    missing = 0
    for url in urls:
        where = urllib.parse.urlsplit(url)
        place = f"{where.scheme} at {where.hostname}:{where.port}"
        try:
            print(f"{place}: {ask(url)}")
        except Exception as failure:
            missing += 1
            print(f"{place} does not answer: {failure}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
