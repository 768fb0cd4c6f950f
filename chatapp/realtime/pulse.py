"""Watches the event loop: how late it comes to a timer, and what to say when it stalls.

Everything shares the one loop, so a stall of 100 ms is 100 ms for each person's next message.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent

from chatapp.realtime.background import Background

logger = logging.getLogger(__name__)

#: Seconds between two looks.
PERIOD = 0.1
#: Seconds of lateness that are worth a line in the log.
STALL = 0.1


class Pulse(Background):
    """The watcher of one process's loop; ``observe`` is told each lateness in seconds."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    def note(self, late: float) -> None:
        """Take in one lateness."""
        self._observe(late)
        if late > STALL:
            logger.warning(
                "the event loop stalled",
                extra={"event": "loop_stalled", "seconds": round(late, 3)},
            )

    def run(self) -> None:
        """Look every PERIOD."""
        while True:
            due = time.monotonic() + PERIOD
            gevent.sleep(PERIOD)
            self.note(max(0.0, time.monotonic() - due))
