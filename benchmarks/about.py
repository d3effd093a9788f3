"""What a reader of figures has to know: when, on which machine, with which versions and settings."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import redis

from .environment import ROOT, own_versions, versions_of_peers
from .place import Place
from .plan import Plan

_SETTINGS = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "autovacuum")


def about(plan: Plan, place: Place, command: str) -> dict[str, Any]:
    """Return all of that, to be kept with the figures."""
    return {
        "began": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "command": command,
        "rounds": plan.rounds,
        "scale": plan.scale,
        "commit": _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "processor": f"{os.cpu_count()} × {_field('/proc/cpuinfo', 'model name')}",
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "system": f"Linux {platform.release()}, {_filesystem(place.directory)}",
        "python": platform.python_version(),
        "servers": [place.database.version(), f"Redis {_redis_version(place.redis_url)}"],
        "postgres_settings": {name: place.database.ask(f"SHOW {name}")[0][0] for name in _SETTINGS},
        "versions": own_versions() | (versions_of_peers() if plan.peers else {}),
        "load_before": os.getloadavg()[0],
    }


def _redis_version(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        info: Any = client.info("server")
        return str(info["redis_version"])


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem(directory: Path) -> str:
    return _output("stat", "-f", "-c", "%T", str(directory))
