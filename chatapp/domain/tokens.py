"""API tokens: how scripts and bots call."""

from __future__ import annotations

from sqlalchemy import select

from chatapp.domain import accounts, credentials, revocation
from chatapp.domain.credentials import new_secret, owner_by_hash, secret_hash
from chatapp.domain.errors import Conflict, Forbidden, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.statements import execute
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Token

#: So that people, and scanners of repositories, know a leaked token for what it is.
PREFIX = "chat_"

_find = owner_by_hash(Token)


def create(me: Identity, name: str, label: str = "") -> tuple[str, Token]:
    """Make a token that acts as the user ``name``; returns its secret, which is kept nowhere.

    Raises:
        Forbidden: ``me`` is neither that user nor an administrator.
        Conflict: the user is deactivated.
    """
    secret = new_secret(PREFIX)
    label = credentials.checked_label(label)
    with transaction():
        user = accounts.get(accounts.by_name(name).id, lock=True)
        _may_manage(me, user.id)
        if not user.is_active:
            raise Conflict(f"{user.name} is deactivated.")
        token = Token(user_id=user.id, secret_hash=secret_hash(secret), label=label)
        db.session.add(token)
    return secret, token


def find(secret: str) -> Identity | None:
    """Return whom this token acts as, or None if it is unknown, revoked, or its user is.

    One select: it runs on every call of a bot.
    """
    rows = execute(_find, {"hash": secret_hash(secret)})
    return Identity(*rows[0]) if rows else None


def revoke(me: Identity, token_id: str) -> Token:
    """End a token, and the streams that were opened with it."""
    with transaction():
        token = db.session.get(Token, token_id, populate_existing=True)
        if token is None or not (me.is_admin or token.user_id == me.user_id):
            raise NotFound(f"There is no token of the id {token_id}.")
        if token.revoked_at is None:
            revocation.end_token(token)
    return token


def listing(me: Identity, name: str) -> list[Token]:
    """Return the live tokens of the user ``name``, the newest first."""
    user = accounts.by_name(name)
    _may_manage(me, user.id)
    live = select(Token).where(Token.user_id == user.id, Token.revoked_at.is_(None))
    return list(db.session.scalars(live.order_by(Token.created_at.desc())))


def _may_manage(me: Identity, user_id: str) -> None:
    if not me.is_admin and me.user_id != user_id:
        raise Forbidden("Only the person and administrators may see to these tokens.")
