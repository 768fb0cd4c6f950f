"""A listening socket that leaves nobody behind.

When the last process closes a listening socket, the kernel resets the connections that have come
and that nobody has accepted. A proxy cannot tell such a call from one that was half done, so it
may not send it elsewhere, and answers 502: in a trial with two workers behind nginx, some of each
stop's last posts (docs/RELIABILITY.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import gevent
from gevent.socket import socket

#: Seconds that those who were accepted last have to be answered; less than graceful_timeout.
PATIENCE = 5

Serve = Callable[[Any, Any, Any], None]


class Listener:
    """A listening socket which serves, when it is closed, who has come by then.

    It stands in for ``listening`` in gevent's server, which asks it for all the rest. ``serve`` is
    gunicorn's ``handle``: it is given this listener, a client's socket, and the client's address.
    """

    def __init__(self, listening: socket, serve: Serve) -> None:
        self._listening = listening
        self._name = listening.getsockname()
        self._serve = serve

    def __getattr__(self, name: str) -> Any:
        if name == "_sock":
            raise AttributeError  # else gevent's server would reach through to it, and close that
        return getattr(self._listening, name)

    def getsockname(self) -> Any:
        """Return its address, also when it is closed: who is served then asks for it."""
        return self._name

    def accept(self) -> tuple[socket, Any]:
        """Return the next client's socket and address.

        Raises:
            BlockingIOError: nobody waits.
        """
        # Not the socket's own `accept`, which would wait.
        descriptor, address = self._accept()
        return socket(self.family, self.type, self.proto, fileno=descriptor), address

    def close(self) -> None:
        """Accept whoever has come, close, and wait until they are served."""
        last = [gevent.spawn(self._serve, self, *accepted) for accepted in self._waiting()]
        # No switch to another greenlet so far: nobody has come since the last look, but for
        # connections that are being made in these microseconds.
        self._listening.close()
        gevent.joinall(last, timeout=PATIENCE)

    def _waiting(self) -> Iterator[tuple[socket, Any]]:
        with suppress(OSError):  # nobody waits, or it is closed already
            while True:
                yield self.accept()
