"""Secrets that are shown once and kept as a hash: sessions, tokens, links."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Select, bindparam, select, union_all

from chatapp.domain.errors import Invalid
from chatapp.models import Session, Token, User
from chatapp.text import clean_line

LABEL_MOST = 80
_revoked = (
    select(kind.id).where(kind.id == bindparam("credential_id"), kind.revoked_at.is_not(None))
    for kind in (Session, Token)
)
#: Whether the session or token ``:credential_id`` was revoked, as a condition.
REVOKED = union_all(*_revoked).exists()


def new_secret(prefix: str = "") -> str:
    """Return 256 random bits as text that is safe in a URL, behind ``prefix``."""
    return prefix + secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret.

    A plain SHA-256 is enough: 256 random bits cannot be guessed, so nothing has to be slow.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def owner_by_hash(kind: type[Session | Token]) -> Select[*tuple[Any, ...]]:
    """Return the select of who a live credential belongs to, an Identity's fields in their order.

    It runs on every request. Of tables, not of models: that takes half the time.
    """
    user, credential = User.__table__.c, kind.__table__.c
    return (
        select(user.id, user.name, user.display_name, user.is_admin, credential.id)
        .select_from(kind.__table__.join(User.__table__, user.id == credential.user_id))
        .where(
            credential.secret_hash == bindparam("hash"),
            credential.revoked_at.is_(None),
            user.deactivated_at.is_(None),
        )
    )


def checked_label(text: str) -> str:
    """Return what somebody calls a token or a link, in its stored form; may be empty."""
    try:
        return clean_line(text, least=0, most=LABEL_MOST)
    except ValueError as error:
        raise Invalid("label", str(error)) from None
