"""JSON answers, and the cursor that goes with a state that was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

from chatapp.domain import log
from chatapp.realtime.cursor import Cursor

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

#: The header that tells from where a stream goes on after the state in the body.
CURSOR_HEADER = "Chat-Cursor"


class Answer(Response):
    """A response that is sent as it was made.

    werkzeug copies each response's headers to see to addresses in them, to answers without a body
    and to missing lengths; there is none of that here, and it takes a tenth of a call.
    """

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:  # noqa: ARG002 (werkzeug's)
        """Return the headers."""
        return self.headers


def json_answer(body: object, status: int = 200) -> Response:
    """Return ``body`` as JSON."""
    return Answer(orjson.dumps(body), status, mimetype="application/json")


class AtCursor:
    """Makes an answer of rows, with the cursor of the moment before they were read."""

    def __init__(self) -> None:
        head = log.head()
        self.cursor = Cursor(head.epoch, head.position)

    def __call__(self, body: object) -> Response:
        """Return ``body`` as JSON, and the cursor in a header."""
        response = json_answer(body)
        response.headers[CURSOR_HEADER] = str(self.cursor)
        return response


@contextmanager
def with_cursor() -> Iterator[AtCursor]:
    """Read the cursor first, then let the body read rows and answer with both.

    In this order nothing falls between an answer and the stream opened behind it: what was
    committed while the rows were read comes by the stream, perhaps again, never not at all.
    """
    yield AtCursor()
