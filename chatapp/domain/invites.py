"""Invite links: how people join the team."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from chatapp.domain import accounts, links
from chatapp.domain.credentials import checked_label
from chatapp.domain.errors import Invalid, NotFound
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Invite, User, now

LONGEST = timedelta(days=365)


def create(
    me: Identity,
    *,
    single_use: bool = True,
    expires_in: timedelta | None = timedelta(days=7),
    label: str = "",
) -> str:
    """Make a link to join by, and return the secret part of it, which is kept nowhere.

    Raises:
        Forbidden: ``me`` is no administrator.
        Invalid: on ``expiresIn`` (None is for ever) or ``label``.
    """
    accounts.require_admin(me)
    if expires_in is not None and not timedelta(0) < expires_in <= LONGEST:
        raise Invalid("expiresIn", "A link can be valid for up to a year, or for ever.")
    label = checked_label(label)
    with transaction():
        return links.add(
            me, links.JOIN, uses=1 if single_use else None, expires_in=expires_in, label=label
        )


def find(secret: str) -> Invite:
    """Return the invite behind a link, or raise NotFound or Gone."""
    return links.find(links.JOIN, secret)


def accept(secret: str, name: str, display_name: str, password: str) -> User:
    """Join the team by an invite. What cannot be taken as input uses nothing up.

    Raises:
        NotFound: there is no such link.
        Gone: it has expired, was used up or revoked.
        Invalid: on ``name``, ``displayName`` or ``password``.
    """
    link = find(secret)
    user = accounts.draft(name, display_name, password)
    with transaction():
        links.use_up(link)
        accounts.add(user)
    return user


def revoke(me: Identity, invite_id: str) -> None:
    """End an invite or a reset link before its time."""
    accounts.require_admin(me)
    with transaction():
        link = db.session.get(Invite, invite_id, populate_existing=True)
        if link is None or link.purpose == links.SETUP:
            raise NotFound
        link.revoked_at = link.revoked_at or now()


def listing(me: Identity) -> list[Invite]:
    """Return the invites that can still be used, the newest first."""
    accounts.require_admin(me)
    query = select(Invite).where(Invite.purpose == links.JOIN, Invite.revoked_at.is_(None))
    newest_first = db.session.scalars(query.order_by(Invite.created_at.desc()))
    return [link for link in newest_first if links.is_open(link)]
