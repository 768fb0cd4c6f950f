"""A real gunicorn for delivery and browser tests."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx

from tests.support import warm
from tests.support.settings import environment_for
from tests.support.wait import PATIENCE

ROOT = warm.ROOT


def _ports() -> Iterator[int]:
    """Yield ports that no other test is given: one may be left free while its server starts anew.

    All are below what kernels give to connections that leave. Each process of pytest-xdist (gw0,
    gw1, …) has its own, and begins somewhere, should another run of the tests be under way.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    each = 2000
    first = 10_000 + process % 10 * each
    start = random.SystemRandom().randrange(each)
    return itertools.cycle(first + (start + number) % each for number in range(each))


PORTS = _ports()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = next(PORTS)
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """One gunicorn, started on entering; it may be killed and started again on the same port."""

    def __init__(self, data_dir: Path, port: int | None = None, **env: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"server-{self.port}.log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._env = {
            **kept,
            **environment_for(data_dir),
            "PORT": str(self.port),
            "CHAT_POSTS_PER_MINUTE": "0",
            **env,
        }
        #: How many files its processes may have open; 0 leaves that as it is.
        self.open_files = 0
        self._process: subprocess.Popen[bytes] | warm.Forked | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The arbiter's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ["-c", "gunicorn.conf.py", "app:app"]
        if self.open_files:
            limited = f'ulimit -n {self.open_files}; exec "$@"'
            command = ["sh", "-c", limited, "sh", sys.executable, "-m", "gunicorn", *arguments]
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command, cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True
                )
        else:
            self._process = warm.start(arguments, self._env, self.log)
        self.wait_until(self.answers)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            # Asked twenty times a start: to read the machine's certificates takes 50 ms of CPU.
            return httpx.get(f"{self.url}/healthz", timeout=2, verify=False).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, as long as the server runs."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not do it:\n{self.output()}")
            time.sleep(0.05)

    def wait(self) -> int:
        """Wait until it has gone, and return its exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def log_lines(self, **fields: object) -> list[dict[str, Any]]:
        """Return its log's lines that have these fields."""
        *lines, _ = self.output().split("\n")
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in parsed if fields.items() <= line.items()]

    def output(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send the arbiter a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the arbiter and its workers at once, as a power cut would."""
        assert self._process is not None
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def stop(self) -> int | None:
        """Stop it in order, and return its exit code."""
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
