"""Servers that must not start, and what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.server import ROOT, free_port
from tests.support.wait import PATIENCE


def refusal(folder: Path, **env: str) -> str:
    """Start a server that must leave; return what it says."""
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app"]
    settings = {"CHAT_DATA_DIR": str(folder), "PORT": str(free_port())}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **settings, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


def one_line(said: str) -> str:
    assert said.startswith("chatapp: "), said
    assert said.count("\n") == 1, said
    return said
