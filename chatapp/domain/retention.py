"""How long the log is kept. Messages are kept for ever; the log only says what changed when.

Pruning never surprises a reader: ``pruned_position`` moves in the same transaction as the rows
go, and a cursor from before it gets a ``reset``.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select, update

from chatapp.domain import log
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import Event, LogHead, now

#: Rows that one transaction deletes: SQLite has one writer, and a long one would hold up posts.
BATCH = 2000


def prune(keep: timedelta) -> int:
    """Drop events older than ``keep``, oldest first; return how many went."""
    newest = db.session.scalar(
        select(func.max(Event.position)).where(Event.created_at < now() - keep)
    )
    dropped = 0
    while newest is not None and (gone := _drop_up_to(newest)):
        dropped += gone
    return dropped


def _drop_up_to(newest: int) -> int:
    """Drop one batch of the rows up to position ``newest``; return how many went."""
    with transaction():
        # Before looking: of two that prune at once the second would move the position back.
        log.hold()
        last = db.session.scalar(
            select(func.max(Event.position)).where(
                Event.position.in_(
                    select(Event.position)
                    .where(Event.position <= newest)
                    .order_by(Event.position)
                    .limit(BATCH)
                )
            )
        )
        if last is None:
            return 0
        db.session.execute(update(LogHead).values(pruned_position=last))
        gone = db.session.execute(delete(Event).where(Event.position <= last))
        return int(gone.rowcount)  # type: ignore[attr-defined]
