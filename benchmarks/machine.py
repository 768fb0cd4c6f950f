"""What it was measured on, in words that say nothing of where that machine stands."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("Flask", "gevent", "gunicorn", "SQLAlchemy", "sse-starlette", "uvicorn", "uvloop")


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1].strip() if found else "unknown"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()


def describe() -> dict[str, str | dict[str, str]]:
    """Return the machine, the date, the revision and the versions."""
    model = _first(r"model name\s*: (.*)", "/proc/cpuinfo")
    memory = int(_first(r"MemTotal:\s+(\d+)", "/proc/meminfo")) / 1024 / 1024
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": _output("git", "rev-parse", "--short", "HEAD"),
        "processor": f"{os.cpu_count()} × {model}",
        "memory": f"{memory:.0f} GB",
        "kernel": platform.release(),
        "load average": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        "nginx": _output("/usr/sbin/nginx", "-v"),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
