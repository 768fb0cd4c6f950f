"""Opening streams a few at a time, where they would else take the database's connections away.

A herd that comes back at once wants more of them than there are. At the pool each would be refused
after POOL_TIMEOUT, and so would everybody else's calls; here it waits for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from chatapp.realtime import wire
from chatapp.realtime.own_stack import WSGIApp

#: A semaphore, of as many as may be at it at a time; or nothing, where nobody need wait.
Turns = AbstractContextManager[Any]


class InTurn:
    """A WSGI middleware that lets calls of ``path`` in by ``turns``; the others queue up.

    A call is over when it returns its answer's body. So a stream that is open holds nobody up.
    """

    def __init__(self, app: WSGIApp, path: str, turns: Turns) -> None:
        self._app = app
        self._path = path
        self._turn = turns

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") != self._path:
            return self._app(environ, start_response)
        client = wire.from_environ(environ)
        with self._turn:
            if client is not None and client.is_gone():
                # Else those who gave up waiting would keep the others waiting, too.
                start_response("204 No Content", [])
                return []
            return self._app(environ, start_response)
