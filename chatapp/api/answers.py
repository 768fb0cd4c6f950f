"""JSON answers, and the cursor that goes with a state that was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Response

from chatapp.domain import log
from chatapp.realtime.cursor import Cursor

#: The header that tells from where a stream goes on after the state in the body.
CURSOR_HEADER = "Chat-Cursor"


def json_answer(body: object, status: int = 200) -> Response:
    """Return ``body`` as JSON."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def current_cursor() -> str:
    """Return the cursor of this moment; read it before the rows that it goes with."""
    head = log.head()
    return str(Cursor(head.epoch, head.position))


@contextmanager
def with_cursor() -> Iterator[Callable[[Any], Response]]:
    """Read the cursor first, then let the body read rows and answer with both.

    In this order nothing falls between an answer and the stream opened behind it: what was
    committed while the rows were read comes by the stream, perhaps again, never not at all.
    """
    cursor = current_cursor()

    def answer(body: object) -> Response:
        response = json_answer(body)
        response.headers[CURSOR_HEADER] = cursor
        return response

    yield answer
