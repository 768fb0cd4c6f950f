"""A client's socket, written to without waiting for it.

This is where delivery gets its speed: while a stream's greenlet is parked, the fan-out writes the
chunk itself, one ``send`` a subscriber, and no greenlet is woken (13-15 µs of CPU a delivery
against 42-47 in a trial; benchmarks/).
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from gevent import monkey
from gevent.socket import socket as GeventSocket  # noqa: N812 (a class)
from gevent.ssl import SSLSocket

#: Milliseconds after which unanswered bytes mean that the peer has vanished. Without it Linux
#: keeps a sleeping laptop's stream for 15 minutes.
PEER_TIMEOUT = 8_000
#: Bytes that the kernel may buffer for one client (Linux doubles it). Left to itself it goes up to
#: 4 MB; with the subscriber's queue this keeps a client that stopped reading below 256 KB.
SEND_BUFFER = 64 * 1024

# The kernel's own: gevent's lets other greenlets run.
_real_poll = monkey.get_original("select", "poll")
# Linux's word for a client that says nothing more; another Unix has none of its own.
_SHUT: int = getattr(select, "POLLRDHUP", select.POLLHUP)


class Wire:
    """The raw, non-blocking side of a gevent socket, and its cooperative one.

    ``chunked`` says how the server frames this answer's body, as RFC 9112 does for HTTP/1.1.
    ``is_sealed`` says that the server encrypts what it sends: nobody may write past it, for a TLS
    record cannot be cut in, but to look and to break off is the same.
    ``send_now`` is the kernel's own ``send``: it raises BlockingIOError where :meth:`try_send`
    returns 0, and saves the innermost loop of delivery a call.
    """

    __slots__ = ("_cooperative", "_raw", "chunked", "is_sealed", "send_now")

    def __init__(self, sock: GeventSocket, *, chunked: bool, is_sealed: bool = False) -> None:
        self._cooperative = sock
        self._raw: socket.socket = sock._sock  # type: ignore[attr-defined]  # noqa: SLF001
        self.chunked = chunked
        self.is_sealed = is_sealed
        self.send_now: Callable[[bytes], int] = self._raw.send

    def try_send(self, data: bytes) -> int:
        """Send what the kernel takes at once and return how many bytes that were, perhaps 0.

        Raises:
            OSError: the connection is broken.
        """
        try:
            return self.send_now(data)
        except BlockingIOError:
            return 0

    def send_all(self, data: bytes | memoryview) -> None:
        """Send everything, letting other greenlets run while the client reads.

        Raises:
            OSError: the connection is broken.
        """
        self._cooperative.sendall(data)

    def is_gone(self) -> bool:
        """Whether the client has hung up; one that vanished without a word has not."""
        try:
            said = self._raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not said or self._is_shut()

    def _is_shut(self) -> bool:
        """Whether the client has hung up behind what it said last, which nobody reads.

        That may be another request, or TLS's own goodbye.
        """
        poll = _real_poll()
        poll.register(self._raw, _SHUT)
        return bool(poll.poll(0))

    def abort(self) -> None:
        """Break the connection, so that whoever waits for the client to read waits no longer."""
        with suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)


def from_environ(environ: Mapping[str, Any]) -> Wire | None:
    """Return the wire of a request's client, its socket bounded; None where no stream has its own.

    That is so with another server than gunicorn's gevent worker (the test client), and with
    HTTP/2, where a connection is not one stream's alone: that one is bounded, too.
    """
    sock = environ.get("gunicorn.socket")
    if not isinstance(sock, GeventSocket):
        return None
    _bound(sock)
    protocol = environ.get("SERVER_PROTOCOL")
    if protocol not in ("HTTP/1.0", "HTTP/1.1"):
        return None
    return Wire(sock, chunked=protocol == "HTTP/1.1", is_sealed=isinstance(sock, SSLSocket))


def _bound(sock: GeventSocket) -> None:
    """Bound what the kernel keeps for a client that does not read, and for how long."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # Linux alone has it; another Unix gives up who vanished when it will.
    if sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_TIMEOUT)
