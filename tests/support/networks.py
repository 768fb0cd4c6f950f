"""Who changes this machine's networks, and whom that would disturb.

Chromium drops its connections whenever an interface comes or goes. So tests that make a network
wait for those that run a browser, which wait for them: a lock of many readers and one writer,
held by processes. Whoever comes later waits in line, so that nobody waits for ever.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = Path(tempfile.gettempdir())


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let nobody change the networks meanwhile; others may do the same."""
    with _lock(fcntl.LOCK_SH):
        yield


@contextmanager
def changing() -> Iterator[None]:
    """Change the networks while nobody minds."""
    with _lock(fcntl.LOCK_EX):
        yield


@contextmanager
def _lock(kind: int) -> Iterator[None]:
    with _file("line") as line, _file("lock") as lock:
        fcntl.flock(line, fcntl.LOCK_EX)
        fcntl.flock(lock, kind)
        fcntl.flock(line, fcntl.LOCK_UN)
        yield  # closing the file gives the lock back


@contextmanager
def _file(name: str) -> Iterator[int]:
    path = _FOLDER / f"chatapp-tests-{os.getuid()}-networks.{name}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
