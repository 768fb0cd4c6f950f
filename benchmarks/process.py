"""Starts a server on a free port, waits until it answers, stops it by its process ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent
#: Of the environment that this runs in: benchmarks/.venv has the peers' libraries, .venv has ours.
PYTHON = sys.executable
BUILD = ROOT / "benchmarks/build"
START_SECONDS = 30
STOP_SECONDS = 10


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> tuple[int, ...]:
    """Return the process and its children: an arbiter and its worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return pid, *(int(child) for child in children.split())


def _answers(url: str) -> bool:
    """Whether anything but a failure of the server comes back."""
    try:
        urllib.request.urlopen(url, timeout=START_SECONDS).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to leave, then end it and its workers: open streams hold some servers for ever."""
    pids = family(process.pid) if process.poll() is None else ()
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
    for pid in pids if process.poll() is None else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)


@contextmanager
def running(
    command: Sequence[object],
    port: int,
    log: Path,
    *,
    alive: str = "/alive",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[tuple[int, ...]]:
    """Run the server while the block runs, in ``cwd`` or its log's folder; yield its ids."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd or log.parent,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}{alive}", log)
        yield family(process.pid)
    finally:
        _stop(process)
