"""Ending credentials, inside a transaction: the rows, and the events that end open streams.

Every revocation appends ``session:revoked`` or ``user:deactivated`` to the log. Each process
that reads the log ends the streams which were opened with that credential.

Rows first, log last, in each of these: who appends holds the log until the commit, and must not
wait for a row that somebody waiting for the log has locked (on PostgreSQL).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, update

from chatapp.domain import log
from chatapp.extensions import db
from chatapp.models import Invite, Session, Token, now


def end_session(session: Session) -> None:
    """End one browser's session."""
    _log(_revoke(Session, Session.id == session.id), session.user_id)


def end_token(token: Token) -> None:
    """End one API token."""
    _log(_revoke(Token, Token.id == token.id), token.user_id)


def end_sessions(user_id: str, keep: str | None = None) -> int:
    """End every session of a person, but the one of id ``keep``; returns how many ended."""
    others = Session.id != keep if keep is not None else Session.id.is_not(None)
    ended = _revoke(Session, (Session.user_id == user_id) & others)
    _log(ended, user_id)
    return len(ended)


def end_everything(user_id: str) -> None:
    """End the sessions and tokens of somebody who is deactivated, and the links by or for them.

    An invite link of their own making would let them in again under another name.
    """
    _revoke(Invite, (Invite.created_by == user_id) | (Invite.user_id == user_id))
    ended = _revoke(Session, Session.user_id == user_id)
    ended += _revoke(Token, Token.user_id == user_id)
    _log(ended, user_id)
    log.append("user:deactivated", log.INTERNAL, subject_id=user_id, user_id=user_id)


def end_reset_links(user_id: str) -> None:
    """End the links by which somebody could still choose this person's password."""
    _revoke(Invite, Invite.user_id == user_id)


def _revoke(kind: type[Session | Token | Invite], which: ColumnElement[bool]) -> list[str]:
    live = update(kind).where(which, kind.revoked_at.is_(None)).values(revoked_at=now())
    return list(db.session.scalars(live.returning(kind.id)))


def _log(ended: list[str], user_id: str) -> None:
    for credential_id in ended:
        log.append("session:revoked", log.INTERNAL, subject_id=credential_id, user_id=user_id)
