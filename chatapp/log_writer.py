"""Writing the log without waiting for who reads it.

Standard error is often a pipe, or journald's socket, and whoever should read it may stall: a plain
write would then stop the event loop, and every stream with it.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from select import POLLOUT

import gevent
from gevent import monkey
from gevent.socket import wait_write

from chatapp import logs

#: Bytes that a pipe which takes any takes whole (POSIX's PIPE_BUF on Linux): so a write of no more
#: never blocks, once the kernel has said that it takes some.
PIECE = 4096
#: Bytes that may wait for a reader that has stalled; lines beyond are dropped, and counted.
MOST_WAITING = 1024 * 1024

log = logging.getLogger(__name__)

# The kernel's own: gevent's lets other greenlets run, in the middle of whatever is being logged.
_real_poll = monkey.get_original("select", "poll")


def install() -> None:
    """Let this process, a worker, write its log and gunicorn's lines through a LogWriter."""
    writer = LogWriter(sys.stderr.fileno())
    logs.configure(file=writer)
    for handler in logging.getLogger("gunicorn.error").handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setStream(writer)
    atexit.register(writer.close)


class LogWriter:
    """A file for a logging.StreamHandler, in front of a descriptor that is never waited for.

    Lines are written at once, while the reader keeps up. Else they wait, in order, for a greenlet
    that writes as the reader reads. Processes that share one pipe can still take each other's room
    between the question and the write: such a write waits until the reader has read one page.
    """

    def __init__(self, descriptor: int, most: int = MOST_WAITING) -> None:
        self._descriptor = descriptor
        self._most = most
        self._poll = _real_poll()
        self._poll.register(descriptor, POLLOUT)
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0

    def write(self, line: str) -> None:
        """Write a line, now or later; drop it where too much waits already."""
        data = line.encode()
        if self._size + len(data) > self._most:
            self._dropped += 1
            return
        pieces = [data[begin : begin + PIECE] for begin in range(0, len(data), PIECE)]
        was_waiting = bool(self._waiting)
        self._waiting.extend(pieces)
        self._size += len(data)
        if not was_waiting and self._write_while(self._takes):
            gevent.spawn(self._write_later)

    def flush(self) -> None:
        """Do nothing: a StreamHandler asks for it after each line."""

    def close(self, seconds: float = 1) -> None:
        """Write what waits, giving the reader so many seconds for each piece."""
        self._write_while(lambda: self._takes(seconds))

    def _takes(self, seconds: float = 0) -> bool:
        return bool(self._poll.poll(seconds * 1000))

    def _write_while(self, ready: Callable[[], object]) -> bool:
        """Write as long as ``ready`` says so; return whether something is left."""
        while self._waiting and ready():
            try:
                written = os.write(self._descriptor, self._waiting[0])
            except OSError:  # nobody reads it any more
                self._waiting.clear()
                self._size = 0
                break
            self._size -= written
            if rest := self._waiting.popleft()[written:]:
                self._waiting.appendleft(rest)
        return bool(self._waiting)

    def _write_later(self) -> None:
        while self._waiting:
            wait_write(self._descriptor)
            self._write_while(self._takes)
        dropped, self._dropped = self._dropped, 0
        if dropped:
            logs.log_event(log, "log_lines_dropped", logging.WARNING, lines=dropped)
