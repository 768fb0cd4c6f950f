"""The first run: one link, which makes the first administrator and then never works again."""

from __future__ import annotations

from sqlalchemy import delete, select

from chatapp.domain import accounts, links, log
from chatapp.domain.errors import Gone, NotFound
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Invite, User


def ensure_setup_token() -> str | None:
    """Return the secret of a new set-up link, or None once there is an administrator.

    Only the newest link works: its secret is kept nowhere, so each start prints one of its own.
    """
    if _has_admin():
        return None
    with transaction():
        db.session.execute(delete(Invite).where(Invite.purpose == links.SETUP))
        return links.add(None, links.SETUP, uses=1, expires_in=None)


def is_due() -> bool:
    """Whether nobody runs this chat yet."""
    return not _has_admin()


def find(secret: str) -> Invite:
    """Return the set-up link, or raise NotFound: once used, it is as if it had never been."""
    if _has_admin():
        raise NotFound
    try:
        return links.find(links.SETUP, secret)
    except Gone:
        raise NotFound from None


def complete(secret: str, name: str, display_name: str, password: str) -> User:
    """Make the first administrator.

    Raises:
        NotFound: there is no such link, or an administrator already.
        Invalid: on ``name``, ``displayName`` or ``password``.
    """
    link = find(secret)
    admin = accounts.draft(name, display_name, password, is_admin=True)
    try:
        with transaction():
            links.use_up(link)
            # Two servers that start together print a link each; one of them may be used.
            log.hold()
            if _has_admin():
                raise NotFound
            accounts.add(admin)
    except Gone:
        raise NotFound from None
    return admin


def _has_admin() -> bool:
    return db.session.scalar(select(User.id).where(User.is_admin).limit(1)) is not None
