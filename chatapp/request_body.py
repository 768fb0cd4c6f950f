"""Reading a request's body: not too much of it, not for too long, and never half of it."""

from __future__ import annotations

from io import BytesIO

import gevent
from flask import Flask, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout

from chatapp.identity import SAFE_METHODS

#: Bytes of a form: far more text than a message may have, so that it is refused in words and comes
#: back, and little enough to be taken apart in some milliseconds.
MAX_FORM = 256 * 1024
#: Fields of a form: 500 people that are chosen, and some. Each costs more than its bytes.
MOST_FIELDS = 600
#: Seconds that a client may take to send it; it keeps a connection from others meanwhile.
PATIENCE = 30

_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def init_app(app: Flask) -> None:
    """Read each form before anything looks into it."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.before_request(_read_form)


def read(most: int) -> bytes:
    """Return the body, of less than ``most`` bytes.

    Raises:
        RequestEntityTooLarge: 413; it has ``most`` or more.
        RequestTimeout: 408; it did not come within PATIENCE.
        BadRequest: 400; it is shorter than it was said to be.
    """
    request.max_content_length = most
    try:
        with gevent.Timeout(PATIENCE, RequestTimeout()):
            raw = request.get_data()
    except BaseException:
        # The answer looks for what was typed, and must not wait for the rest of it.
        request.stream = BytesIO()
        raise
    # A body that comes in chunks has no length to be judged by; it is cut off at the limit.
    if len(raw) >= most:
        raise RequestEntityTooLarge
    # gunicorn gives what came before the client left, and half of a form is a form.
    if len(raw) < (request.content_length or 0):
        raise BadRequest("This did not arrive whole. Try again.")
    return raw


def _read_form() -> None:
    if request.method in SAFE_METHODS or request.mimetype not in _FORMS:
        return
    if read(MAX_FORM).count(b"&") >= MOST_FIELDS:
        raise RequestEntityTooLarge
