"""How long the log is kept. Messages are kept for ever; the log only says what changed when.

Pruning never surprises a reader: ``pruned_position`` moves in the same transaction as the rows
go, and a cursor from before it gets a ``reset``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update

from chatapp.domain import log
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Event, LogHead, now

#: Rows that are looked at, and deleted, in one transaction: SQLite has one writer, and a long
#: transaction would hold up posts.
BATCH = 2000


def prune(keep: timedelta) -> int:
    """Drop events older than ``keep``, oldest first; return how many went."""
    moment, dropped = now(), 0
    while gone := _drop_oldest(moment - keep, moment):
        dropped += gone
    return dropped


def _drop_oldest(before: datetime, today: datetime) -> int:
    """Drop what is older than ``before`` among the oldest BATCH rows; return how many went."""
    oldest = select(Event.position, Event.created_at).order_by(Event.position).limit(BATCH)
    at = oldest.subquery().c
    with transaction():
        # Before looking: of two that prune at once the second would move the position back.
        log.hold()
        # What bears a date to come is from a clock that went wrong: it must not be kept until then.
        # But not what is new: another machine's clock may be ahead of ours, or we waited here for
        # who logged it, and those who follow the log may not have read it yet.
        is_wrong = (at.created_at > today) & (at.position <= log.head().position - BATCH)
        is_old = or_(at.created_at < before, is_wrong)
        last = db.session.scalar(select(func.max(at.position)).where(is_old))
        if last is None:
            return 0
        db.session.execute(update(LogHead).values(pruned_position=last))
        gone = db.session.execute(delete(Event).where(Event.position <= last))
        return int(gone.rowcount)  # type: ignore[attr-defined]
