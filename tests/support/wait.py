"""Waiting for something to happen, while greenlets run."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

#: Seconds after which a test that waits in vain fails. No test's verdict depends on it.
PATIENCE = 120


def until(happened: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as ``happened()`` is true; fail saying ``what`` was waited for."""
    deadline, pause = time.monotonic() + patience, 0.0005
    while not happened():
        assert time.monotonic() < deadline, f"waited {patience} s in vain: {what}"
        gevent.sleep(pause)
        pause = min(2 * pause, 0.02)
