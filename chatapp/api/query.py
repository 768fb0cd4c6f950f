"""Query parameters, read as strictly as bodies."""

from __future__ import annotations

from typing import Any

from flask import request

from chatapp.api.fields import Field, Integer, Optional, shown
from chatapp.domain.errors import Invalid


def page_size() -> Optional[int]:
    """Return the field ``limit`` of every list: 1 to 100, and 50 where it is not given."""
    return Optional(Integer(min=1, max=100), default=50)


def read_query(**fields: Field[Any]) -> dict[str, Any]:
    """Return the request's query parameters, each declared one checked.

        query = read_query(groupId=Optional(Id()), limit=page_size())

    Raises:
        Invalid: 400; one is unknown, missing, given twice or of another kind.
    """
    for name in request.args:
        if name not in fields:
            raise Invalid(shown(name), "There is no such parameter here.")
    return {name: field.read(name, _value(name, field)) for name, field in fields.items()}


def _value(name: str, field: Field[Any]) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise Invalid(name, "It is given twice.")
    if not values and not isinstance(field, Optional):
        raise Invalid(name, "It is missing.")
    return values[0] if values else None
