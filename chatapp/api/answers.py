"""JSON answers, and the cursor that goes with a state that was read."""

from __future__ import annotations

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


def current_cursor() -> Cursor:
    """Return the cursor of this moment; read it before the rows that it goes with."""
    head = log.head()
    return Cursor(head.epoch, head.position)


class AtCursor:
    """Makes the answer of rows that are read after it was made, with the cursor of before.

    In this order nothing falls between an answer and the stream opened behind it: what was
    committed while the rows were read comes by the stream, perhaps again, never not at all.
    """

    def __init__(self) -> None:
        self.cursor = current_cursor()

    def __call__(self, body: object) -> Response:
        """Return ``body`` as JSON, and the cursor in a header."""
        response = json_answer(body)
        response.headers[CURSOR_HEADER] = str(self.cursor)
        return response
