"""``/api/users`` and ``/api/me``."""

from __future__ import annotations

from flask import Blueprint, Response

from chatapp import identity
from chatapp.api import representations as show
from chatapp.api.answers import json_answer, with_cursor
from chatapp.api.query import read_query
from chatapp.domain import people

bp = Blueprint("people", __name__)


@bp.get("/users")
def users() -> Response:
    """Return the team, or those whose name has ``q`` in it."""
    me = identity.current()
    query = read_query("q")
    with with_cursor() as answer:
        found = people.search(me, query["q"]) if query.get("q") else people.everybody(me)
        return answer([show.user(person) for person in found])


@bp.get("/me")
def me() -> Response:
    """Return the caller."""
    return json_answer(show.user(people.myself(identity.current())))
