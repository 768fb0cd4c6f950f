"""The people of the team, and choosing among them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import request

from chatapp import identity
from chatapp.domain import people as domain
from chatapp.domain.identity import Identity
from chatapp.models import User
from chatapp.web import shell
from chatapp.web.blueprint import blueprint

#: How many people a page lists; more are found by a part of their name.
MOST_LISTED = 200


@blueprint.get("/people")
def people() -> str:
    """Show everybody, or whose name has a part in it."""
    me = identity.current()
    query = request.args.get("people", "")
    found = domain.search(me, query, MOST_LISTED)
    return shell.render(me, "people.html", people=found, people_query=query, most=MOST_LISTED)


def choices(me: Identity, chosen: Collection[str], without: Collection[str]) -> dict[str, Any]:
    """Return what a page takes on which one searches for people, and chooses among them."""
    query = request.values.get("people", "")
    found = _candidates(me, query, chosen, without)
    return {"people": found, "people_query": query, "most": MOST_LISTED}


def _candidates(
    me: Identity, query: str, chosen: Collection[str], without: Collection[str]
) -> list[User]:
    """Return whom one may choose from: those chosen already first, then whom ``query`` finds."""
    everybody = {user.id: user for user in domain.search(me, "", 10_000)} if chosen else {}
    first = [everybody[id_] for id_ in dict.fromkeys(chosen) if id_ in everybody]
    found = domain.search(me, query, MOST_LISTED + len(without))
    rest = [user for user in found if user.id not in chosen and user.id not in without]
    return [*first, *rest[:MOST_LISTED]]
