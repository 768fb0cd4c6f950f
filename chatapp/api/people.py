"""``/api/users``, ``/api/me`` and ``/api/presence``."""

from __future__ import annotations

from flask import Blueprint, Response, request

from chatapp import identity
from chatapp.api import representations as show
from chatapp.api.answers import AtCursor, json_answer
from chatapp.api.delivery import current_delivery
from chatapp.api.fields import shown
from chatapp.api.query import read_query
from chatapp.domain import people
from chatapp.domain.errors import Invalid
from chatapp.models import User

bp = Blueprint("people", __name__)

#: People whom one question after presence may name: its URL stays below 4 KB.
MOST_NAMED = 100


@bp.get("/users")
def users() -> Response:
    """Return the team, or those whose name has ``q`` in it."""
    me = identity.current()
    query = read_query("q")
    answer = AtCursor()
    found = people.search(me, query["q"]) if query.get("q") else people.everybody(me)
    return answer([{**show.user(each), "online": _is_online(each)} for each in found])


@bp.get("/presence")
def presence() -> Response:
    """Return who of those named is online, or everybody who is."""
    unknown = set(request.args) - {"userId"}
    if unknown:
        raise Invalid(shown(min(unknown)), "There is no such parameter here.")
    named = request.args.getlist("userId")
    if len(named) > MOST_NAMED:
        raise Invalid("userId", f"At most {MOST_NAMED} people; name none to get all.")
    known = current_delivery().presence
    online = [id_ for id_ in dict.fromkeys(named) if known.is_online(id_)]
    return json_answer({"online": online if named else known.online()})


@bp.get("/me")
def me() -> Response:
    """Return the caller."""
    return json_answer(show.user(people.myself(identity.current())))


def _is_online(person: User) -> bool:
    return person.is_active and current_delivery().presence.is_online(person.id)
