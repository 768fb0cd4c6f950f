"""JSON bodies, read strictly: what is not declared is refused, by name, before anything is done."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from chatapp import request_body
from chatapp.api import shut_out
from chatapp.api.fields import Field, Optional, shown
from chatapp.domain.errors import Invalid

#: Bytes of a body: 8,000 characters, each written as two `\\uXXXX`, and room for the ids.
MAX_BODY = 128 * 1024


def read_body(**fields: Field[Any]) -> dict[str, Any]:
    """Return the request's JSON object, each declared field checked and cleaned.

        body = read_body(content=Text(max=8000), groupId=Optional(Id()))

    An absent ``Optional`` comes as its default, so every declared name is in what is returned.

    Raises:
        Invalid: 400; it is not such an object. The error names the field, or "body".
        UnsupportedMediaType: 415; it does not say that it is JSON.
        RequestEntityTooLarge: 413; it has MAX_BODY bytes or more.
        RequestTimeout: 408; it does not come in time.
        Unauthorized: 401; the caller was shut out while it came.
    """
    raw = _raw_body()
    shut_out.check()  # it may have been on its way for half a minute
    body = _parse(raw)
    for name in body:
        if name not in fields:
            raise Invalid(shown(name), "There is no such field here.")
    for name, field in fields.items():
        if name not in body and not isinstance(field, Optional):
            raise Invalid(name, "It is missing.")
    return {name: field.read(name, body.get(name)) for name, field in fields.items()}


def _raw_body() -> bytes:
    # A form of another site can send text/plain with the cookie, but not application/json.
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be JSON, sent as application/json.")
    return request_body.read(MAX_BODY)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = _decoder.decode(raw.decode())
    except UnicodeDecodeError:
        raise Invalid("body", "It is not UTF-8.") from None
    except RecursionError:
        raise Invalid("body", "It is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise Invalid("body", f"It is not JSON (at character {error.pos}).") from None
    except ValueError:  # among them integers of thousands of digits
        raise Invalid("body", "It holds a number that JSON does not have.") from None
    if not isinstance(body, dict):
        raise Invalid("body", "It must be a JSON object.")
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name given twice: two readers would disagree on what was said."""
    body = dict(pairs)
    if len(body) != len(pairs):
        names = [name for name, _ in pairs]
        raise Invalid(shown(max(names, key=names.count)), "It is given twice.")
    return body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# json rather than orjson: that takes a name given twice, and reading is 3 of some 200 µs.
_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
