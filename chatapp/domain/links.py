"""The secret links that let somebody in: making one, looking at it, using it up.

``chatapp.domain.invites``, ``resets`` and ``setup`` say what each purpose is for.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from chatapp.domain.credentials import new_secret, secret_hash
from chatapp.domain.errors import Gone, NotFound
from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import Invite, now

JOIN, SETUP, RESET = "join", "setup", "reset"


def add(
    me: Identity | None,
    purpose: str,
    *,
    uses: int | None,
    expires_in: timedelta | None,
    user_id: str | None = None,
    label: str = "",
) -> str:
    """Write a link, inside a transaction, and return its secret, which is kept nowhere."""
    secret = new_secret()
    link = Invite(
        purpose=purpose,
        secret_hash=secret_hash(secret),
        user_id=user_id,
        created_by=(me.user_id or None) if me else None,
        label=label,
        uses_left=uses,
        expires_at=now() + expires_in if expires_in else None,
    )
    db.session.add(link)
    return secret


def find(purpose: str, secret: str) -> Invite:
    """Return a link that can still be used.

    Raises:
        NotFound: there never was such a link.
        Gone: it has expired, was used up or revoked.
    """
    query = select(Invite).where(
        Invite.secret_hash == secret_hash(secret), Invite.purpose == purpose
    )
    link = db.session.scalar(query.execution_options(populate_existing=True))
    if link is None:
        raise NotFound("There is no such link. Was it copied whole?")
    if not is_open(link):
        raise Gone("This link has expired, was used or revoked. Ask for a new one.")
    return link


def is_open(link: Invite) -> bool:
    """Tell whether a link can still be used."""
    expired = link.expires_at is not None and link.expires_at <= now()
    return link.revoked_at is None and not expired and link.uses_left != 0


def use_up(link: Invite) -> None:
    """Take one use of a link, inside the transaction that does what it is for.

    One statement decides, so of twenty who use a single-use link at once one succeeds.

    Raises:
        Gone: another was faster, or the link was revoked meanwhile.
    """
    taken = (
        update(Invite)
        .where(
            Invite.id == link.id,
            Invite.revoked_at.is_(None),
            Invite.uses_left.is_(None) | (Invite.uses_left > 0),
        )
        .values(uses_left=Invite.uses_left - 1)
        .returning(Invite.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(taken) is None:
        raise Gone("This link has just been used. Ask for a new one.")
