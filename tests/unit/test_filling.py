"""`.venv` is filled by one start at a time, however many there are."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.server import ROOT
from tests.support.wait import PATIENCE, until

#: A Python whose pip says that it has begun, and goes on when it is told to; it serves nothing.
PYTHON = f"""#!/bin/sh
case "$*" in
    "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip"*) echo begun >>begun && cat go ;;
    "-m gunicorn"*) ;;
    *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone without libraries, and a Python for it."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    return tmp_path


@contextmanager
def starting(clone: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {"PATH": os.environ["PATH"], "CHAT_PYTHON": str(clone / "python")}
    command = [clone / "scripts" / "serve"]
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, env=env, stdout=file, stderr=file, start_new_session=True
        ) as process,
    ):
        try:
            yield process
            process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_a_second_start_waits_for_the_first_ones_libraries(clone: Path, tmp_path: Path) -> None:
    begun, waiting = clone / "begun", tmp_path / "second.log"
    with starting(clone, tmp_path / "first.log") as first:
        until(begun.exists, "the first one to install")
        with starting(clone, waiting) as second:
            until(lambda: "waiting for it" in waiting.read_text(), "the second one to wait")
            (clone / "go").write_text("")
    assert (first.returncode, second.returncode) == (0, 0)
    assert begun.read_text() == "begun\n"
