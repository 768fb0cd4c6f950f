"""Reset links: how somebody who forgot the password chooses a new one."""

from __future__ import annotations

from datetime import timedelta

from chatapp.domain import accounts, links, passwords, revocation
from chatapp.domain.errors import Conflict
from chatapp.domain.identity import Identity
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Invite, User

LIFETIME = timedelta(hours=24)


def create(me: Identity, user_id: str) -> str:
    """Make a link by which ``user_id`` chooses a new password, and return its secret part.

    It works once, for 24 hours; an earlier one of the same person ends.

    Raises:
        Forbidden: ``me`` is no administrator.
        Conflict: the person is deactivated.
    """
    accounts.require_admin(me)
    with transaction():
        user = accounts.get(user_id, lock=True)
        if not user.is_active:
            raise Conflict(f"{user.name} is deactivated. Reactivate the account first.")
        revocation.end_reset_links(user_id)
        return links.add(me, links.RESET, uses=1, expires_in=LIFETIME, user_id=user_id)


def find(secret: str) -> Invite:
    """Return the link, or raise NotFound or Gone."""
    return links.find(links.RESET, secret)


def reset(secret: str, new_password: str) -> User:
    """Give the link's person a new password; ends every session and reset link of theirs.

    Raises:
        NotFound: there is no such link.
        Gone: it has expired, was used or revoked.
        Invalid: on ``password``.
    """
    link = find(secret)
    user = accounts.get(link.user_id or "")
    passwords.check_new(new_password, user.name, user.display_name)
    password_hash = passwords.hash_password(new_password)
    with transaction():
        user = accounts.get(user.id, lock=True)
        links.use_up(link)
        user.password_hash = password_hash
        db.session.flush()
        revocation.end_reset_links(user.id)
        revocation.end_sessions(user.id)
    return user
