"""Connections between two requests: how long one may be silent, and how it ends then.

gunicorn's gevent worker gives a client ``keepalive`` seconds to send the head of its next request,
and then hangs up, also on a head that has come in the meantime, while the event loop was busy. Its
client cannot tell whether the request was carried out, and may not repeat a POST (RFC 9110, section
9.2.2): bots that posted every two seconds, to which gunicorn gives two, lost 2 % of their posts in
a trial. Here whatever has come is read, and nobody is hung up on within a head.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

import gevent
from gevent.ssl import SSLSocket

#: Seconds of silence that a worker which leaves still grants: who calls more often than that is
#: told, by the answer, to come anew.
LAST = 2.0
#: Connections that may await a request, 13 KB each; where there are more, silence is soon over.
CROWD = 1000
#: What Linux knows of a connection (``struct tcp_info`` in linux/tcp.h): how many milliseconds ago
#: the peer's last byte came, and how many bytes it has sent. Its clock ticks every 10 ms or less.
_TCP_INFO = struct.Struct("@52xI72xQ")
_TICK = 0.02


class Worker(Protocol):
    """As much of gunicorn's worker as we touch."""

    cfg: Any
    handle: Callable[[Any, Any, Any], None]
    timeout_ctx: Callable[[], Any]


class Silence(BaseException):
    """A client has said nothing for too long."""


class KeepAlive:
    """A worker's connections."""

    def __init__(self, worker: Worker) -> None:
        self._silence = float(worker.cfg.keepalive)
        self._serve = worker.handle
        self._connections: dict[object, Connection] = {}
        #: Those that await a request.
        self.awaiting: set[Connection] = set()
        worker.handle, worker.timeout_ctx = self._handle, self._await_request

    def silence(self) -> float:
        """Return the seconds that a connection may be silent."""
        return self._silence if len(self.awaiting) < CROWD else min(self._silence, LAST)

    def leave(self) -> None:
        """Let connections be silent for LAST at most: the worker is about to stop."""
        self._silence = min(self._silence, LAST)
        for connection in self.awaiting:
            connection.await_for(self._silence)

    def _handle(self, listener: Any, client: Any, address: Any) -> None:
        """Serve a client: gunicorn's ``handle``, in whose greenlet all of it happens."""
        here = gevent.getcurrent()
        self._connections[here] = Connection(client, self)
        try:
            self._serve(listener, client, address)
        finally:
            del self._connections[here]

    def _await_request(self) -> Connection:
        """Return what stands around the wait for a request's head: gunicorn's ``timeout_ctx``."""
        return self._connections[gevent.getcurrent()]


class Connection:
    """A client's connection; ``with connection:`` it awaits a request.

    Small, since each stream has one.
    """

    __slots__ = ("_all", "_began", "_client", "_greenlet", "_timer")

    def __init__(self, client: Any, all_of_them: KeepAlive) -> None:
        self._client, self._all = client, all_of_them
        self._greenlet = gevent.getcurrent()
        #: When it began to await this request; None with the first, which may come even before.
        self._began: float | None = None
        self._timer: Any = None

    def __enter__(self) -> None:
        if self._began is not None:
            self._began = time.monotonic()
        self.await_for(self._all.silence())
        self._all.awaiting.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._all.awaiting.discard(self)
        self._timer.close()
        self._timer, self._began = None, 0.0
        return kind is Silence

    def await_for(self, seconds: float) -> None:
        """Hang up if nothing comes within ``seconds``; a head that has begun has as long again."""
        self._set_timer(seconds, self._silent, seconds)

    def _silent(self, seconds: float) -> None:
        if self._head_has_begun():
            self._set_timer(seconds, self._hang_up)
        else:
            self._hang_up()

    def _set_timer(self, seconds: float, then: Callable[..., None], *given: Any) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(then, *given)

    def _head_has_begun(self) -> bool:
        """Whether something of the request has come, be it read yet or not.

        Only Linux knows; elsewhere it is hung up on, as gunicorn does.
        """
        try:
            info = self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
            last_byte, received = _TCP_INFO.unpack(info)
        except (AttributeError, OSError, struct.error):
            return False
        if self._began is None:
            return bool(received)
        return bool(last_byte / 1000 < time.monotonic() - self._began - _TICK)

    def _hang_up(self) -> None:
        """Read no more from the client: whoever waits for it hears that it has ended.

        What comes in this very moment is read before that, as the kernel keeps it. TLS would take
        such an end for an attack, and answer with an alarm: there the wait is broken off.
        """
        if isinstance(self._client, SSLSocket):
            self._greenlet.throw(Silence)
            return
        with suppress(OSError):
            self._client._sock.shutdown(socket.SHUT_RD)  # noqa: SLF001 (without letting others run)
