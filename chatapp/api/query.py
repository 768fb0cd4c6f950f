"""Query parameters, read as strictly as bodies."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from chatapp.api.fields import shown
from chatapp.domain.errors import Invalid

#: Characters of a parameter: ids, cursors and what is searched for are far shorter.
MAX_LENGTH = 500
DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def read_query(*names: str) -> dict[str, Any]:
    """Return the query parameters ``names``, as far as they are given.

        query = read_query("groupId", "before", "limit")

    Each is a string, but ``limit``, where it is named, is always there and an integer: 1 to 100,
    by default 50.

    Raises:
        Invalid: 400; a parameter is unknown, given twice, too long or not a number.
    """
    for name in request.args:
        if name not in names:
            raise Invalid(shown(name), "There is no such parameter here.")
    query: dict[str, Any] = {name: _value(name) for name in names if name in request.args}
    if "limit" in names:
        query["limit"] = _limit(query.get("limit", str(DEFAULT_LIMIT)))
    return query


def _value(name: str) -> str:
    value, *more = request.args.getlist(name)
    if more:
        raise Invalid(name, "It is given twice.")
    if len(value) > MAX_LENGTH or _CONTROL.search(value):
        raise Invalid(name, f"It must be one line of at most {MAX_LENGTH} characters.")
    return value


def _limit(value: str) -> int:
    # Three digits at most: int() is quadratic in what it is given, and takes other scripts' digits.
    if not re.fullmatch("[0-9]{1,3}", value) or not 1 <= int(value) <= MAX_LIMIT:
        raise Invalid("limit", f"It must be a whole number from 1 to {MAX_LIMIT}.")
    return int(value)
