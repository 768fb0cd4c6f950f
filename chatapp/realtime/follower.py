"""Follows the log: whenever the doorbell rings, hands the hub what it has not had yet.

The log is the truth and the doorbell only a hint: a lost ring costs as long as POLL, never an
event. One greenlet a process does this, so everything is delivered in the order of the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from chatapp.realtime.background import Background, log_failure
from chatapp.realtime.entry import Entry

#: Seconds between looks at the log without a ring: what other processes write is seen by then.
POLL = 2.0
#: Seconds from one reading to the next, at the least: under load each then takes more than one
#: entry, and they share what it costs to look. A lone message waits for nothing.
PACE = 0.02
#: Seconds to wait after the log could not be read.
PAUSE = 0.5

logger = logging.getLogger(__name__)

#: Entries that are read, encoded and delivered in one go.
BATCH = 200

#: From a position and a number to so many of the entries right behind it, oldest first.
ReadAfter = Callable[[int, int], Sequence[Entry]]


class Follower(Background):
    """The reader of the log for one process.

    It is handed: how to read where the log ends, and what comes after a position; what delivers;
    what observes the seconds from a ring to the delivery; and what returns where the log ends if
    it is another log than it was, as after a backup was restored, else None.
    """

    def __init__(
        self,
        read_position: Callable[[], int],
        read_after: ReadAfter,
        deliver: Callable[[Sequence[Entry]], None],
        observe_lag: Callable[[float], None],
        began_anew: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._read_position = read_position
        self._read_after = read_after
        self._deliver = deliver
        self._observe_lag = observe_lag
        self._began_anew = began_anew
        self._read_at = 0.0
        self._looked_at = 0.0
        self._rung_at: float | None = None
        self._rung = Event()
        self._starting = Semaphore()
        self._failed = False
        self.position = 0

    def start(self) -> None:
        """Begin at the log's present end, if not begun already; before the first subscriber."""
        # The lock: reading the position may switch greenlets, and two followers would double all.
        with self._starting:
            if self._greenlet is None:
                self.position = self._read_position()
            super().start()

    @property
    def is_well(self) -> bool:
        """Whether the log could be read when it was last tried."""
        return not self._failed

    def ring(self) -> None:
        """Say that the log has grown."""
        self._rung_at = self._rung_at or time.monotonic()
        self._rung.set()

    def run(self) -> None:
        """Follow the log, whatever happens to a single reading of it."""
        while True:
            self._rung.wait(POLL)
            if (early := self._read_at + PACE - time.monotonic()) > 0:
                gevent.sleep(early)
            self._rung.clear()
            try:
                if time.monotonic() - self._looked_at >= POLL:
                    self._look_back()
                self._catch_up()
                self._failed = False
            except Exception as error:  # noqa: BLE001 (logged)
                log_failure(logger, "the log could not be followed", error, again=self._failed)
                self._failed = True
                gevent.sleep(PAUSE)
                self._rung.set()

    def _look_back(self) -> bool:
        """Go to the log's end if it does not go on from here, and return whether that was so.

        Asked every POLL, and when a position was left out.
        """
        if (position := self._began_anew()) is not None:
            self.position = position
        self._looked_at = time.monotonic()
        return position is not None

    def _catch_up(self) -> None:
        self._read_at = time.monotonic()
        rung_at, self._rung_at = self._rung_at, None
        full = True
        while full:
            entries = self._read_after(self.position, BATCH)
            if entries and entries[0].position > self.position + 1 and self._look_back():
                continue
            if entries:
                self._deliver(entries)
                self.position = entries[-1].position
            full = len(entries) == BATCH
        if rung_at is not None:
            self._observe_lag(time.monotonic() - rung_at)
