"""Opening streams on a stack that is given back.

Since Python 3.11 a greenlet's frames lie in a block of memory of its own, which keeps the size
that its deepest call needed until the greenlet ends. A stream's greenlet lives for an hour, and
opening one goes forty calls deep. So that is done by a greenlet which ends with it, and the one
that stays is shallow. The request is let go of, too (benchmarks/, memory an idle stream).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gevent

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

#: What gunicorn needs of a request that has been answered: for its body, and for an access log,
#: without which it would fail there and never close the body.
_KEPT = ("wsgi.file_wrapper", "REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "REMOTE_ADDR")


class OwnStack:
    """A WSGI middleware that calls the application for ``path`` in a greenlet of its own."""

    def __init__(self, app: WSGIApp, path: str) -> None:
        self._app = app
        self._path = path

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") != self._path or "gunicorn.socket" not in environ:
            return self._app(environ, start_response)
        body: Iterable[bytes] = gevent.spawn(self._app, environ, start_response).get()
        kept = {name: environ[name] for name in _KEPT if name in environ}
        environ.clear()
        environ.update(kept)
        return body
