"""What somebody has missed: the events of the log that they may see.

It is one statement, so it sees the log, the memberships, who is shut out and what was pruned at one
moment: on PostgreSQL each statement sees its own. What is replayed obeys the rights of that moment;
the hub, which gives and takes channels in the order of the log, may be behind or ahead of it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BindParameter, bindparam, func, literal, select, union_all

from chatapp.domain import access, log
from chatapp.domain.credentials import REVOKED
from chatapp.domain.log import EVENTS, HEAD, LOGGED, TEAM, Logged
from chatapp.domain.statements import execute

_user_id: BindParameter[str] = bindparam("user_id")
_channels = union_all(select(literal(TEAM)), access.CHANNELS_OF)
# Not "is null or": SQLite would look for all that are null, which is nearly the whole log.
_for_user = func.coalesce(EVENTS.c.recipient_id, _user_id) == _user_id
#: Whoever was removed may not read the channel any more, but is told so.
_farewell = (EVENTS.c.recipient_id == _user_id) & (EVENTS.c.type == "conversation:left")
_retained = select(HEAD.c.pruned_position).scalar_subquery() <= bindparam("after")
_entitled = (
    LOGGED.where(EVENTS.c.position > bindparam("after"), EVENTS.c.position <= bindparam("last"))
    .where(_retained, ~REVOKED, (EVENTS.c.channel.in_(_channels) & _for_user) | _farewell)
    .order_by(EVENTS.c.position)
    .limit(bindparam("limit"))
)
_entitled_named = _entitled.where(EVENTS.c.channel.in_(bindparam("named", expanding=True)))


def missed(
    user_id: str, credential_id: str, after: int, last: int, named: Collection[str], limit: int
) -> list[Logged] | None:
    """Return up to ``limit`` events that ``user_id`` may see now, on ``named`` or all channels.

    From behind the position ``after`` up to ``last``, in order; None where some of them were
    pruned; none of them once the session or token of ``credential_id`` was revoked.
    """
    reader = {"user_id": user_id, "credential_id": credential_id}
    given = {**reader, "after": after, "last": last, "limit": limit}
    rows = (
        execute(_entitled_named, {**given, "named": list(named)})
        if named
        else execute(_entitled, given)
    )
    if not rows and after < log.head().pruned_position:
        return None
    return [Logged._make(row) for row in rows]
