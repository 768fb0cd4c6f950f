"""Starts servers without importing their libraries each time: they are forked, not begun anew.

Importing the same thousand modules for each of 200 servers took a third of all tests' time. Here
one process for each pytest has imported them, patched by gevent as gunicorn.conf.py does it, and
nothing of the application. It forks, and the child runs gunicorn as a program that just started,
in a session, with files and an environment of its own. What a test wants changed in the program
(tests/support/sabotage.py) is read there, too, before any of the program is imported.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class Forked:
    """A process that was forked there: as much of subprocess.Popen as a server needs."""

    def __init__(self, forks: _Forks, pid: int) -> None:
        self.pid = pid
        self._forks = forks
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        if self._code is None:
            self._code = self._forks.ask(ended=self.pid)
        return self._code

    def wait(self, timeout: float) -> int:
        """Wait until it has gone, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(["gunicorn"], timeout)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        """Ask it to stop."""
        os.kill(self.pid, signal.SIGTERM)


def start(arguments: list[str], env: dict[str, str], log: Path) -> Forked:
    """Start gunicorn with these arguments; what it prints goes to ``log``."""
    forks = _forks()
    return Forked(forks, forks.ask(arguments=arguments, env=env, log=str(log)))


class _Forks:
    """The process that forks, from outside."""

    def __init__(self) -> None:
        # It ends with its standard input, so with this process at the latest.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self._process.communicate)
        self._lock = Lock()

    def ask(self, **question: Any) -> Any:
        """Send a line, return the answer's; any thread may."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


_forks = cache(_Forks)


def main() -> None:
    """Be the process that forks."""
    from gevent import monkey

    monkey.patch_all()

    from gunicorn.app import wsgiapp

    from chatapp import server

    server.import_warm()
    # The system's own, not gevent's: those would start a loop in here that watches children.
    fork, waitpid = (monkey.get_original("os", name) for name in ("fork", "waitpid"))
    for line in sys.stdin.buffer:
        question = json.loads(line)
        if "ended" in question:
            pid, status = waitpid(question["ended"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
        elif pid := fork():
            print(pid, flush=True)
        else:
            _become(question)
            wsgiapp.run()


def _become(question: dict[str, Any]) -> None:
    """Leave everything of the parent behind that a started program would not have."""
    import gevent

    os.setsid()
    for path, flags, *descriptors in (
        (os.devnull, os.O_RDONLY, 0),
        (question["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 1, 2),
    ):
        opened = os.open(path, flags, 0o644)
        for descriptor in descriptors:
            os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(question["env"])
    sys.argv = ["gunicorn", *question["arguments"]]
    gevent.reinit()
    if "PYTHONPATH" in os.environ:
        _begin_with(os.environ["PYTHONPATH"].split(os.pathsep))


def _begin_with(folders: list[str]) -> None:
    """Do what Python itself does with these folders before it runs a program."""
    from chatapp import server

    server.forget_program()
    sys.path[1:1] = folders
    sys.modules.pop("sitecustomize", None)
    importlib.import_module("sitecustomize")


if __name__ == "__main__":
    main()
