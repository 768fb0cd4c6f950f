"""Opening a stream: subscribe first, then replay from the log, then live.

Nothing here keeps the request, its database session or its context once the stream is open: the
subscriber's generator receives plain values (Flask would otherwise hold all three, and a pooled
connection, for as long as the stream lives).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from chatapp.api import events
from chatapp.domain import access, log, replay
from chatapp.domain.log import TEAM, Head, Logged
from chatapp.metrics import current_metrics
from chatapp.realtime import cursor as cursors
from chatapp.realtime.cursor import Cursor
from chatapp.realtime.entry import Entry
from chatapp.realtime.hub import RETRY, Hub, farewell
from chatapp.realtime.subscriber import Subscriber

#: A longer replay is not worth it: loading the state afresh is quicker, so the client is told to.
LONGEST_REPLAY = 1000
#: Nor is one whose texts have more bytes; that of a few events, a STEP, is not weighed.
LARGEST_REPLAY = 1024 * 1024
#: Bytes, but for the end of its last event, that a subscriber is handed at once of what it has
#: missed: it may not read them. With its queue and what the kernel buffers that is below 256 KB.
PIECE = 32 * 1024
#: Events that are encoded together: no more than one STEP is encoded beyond a PIECE.
STEP = 20


def attach(hub: Hub, subscriber: Subscriber, named: Sequence[str]) -> None:
    """Give a registered subscriber its channels: the ``named`` ones, or all that it may read.

    Raises:
        NotFound: one of ``named`` does not exist or may not be read.
    """
    if named:
        access.check_channels(subscriber.owner, named)
        subscriber.named = frozenset(named)
    hub.attach(subscriber, named or [TEAM, *access.readable_channels(subscriber.owner)])
    if not subscriber.channels:
        subscriber.end(farewell("revoked"))  # the last one was taken away meanwhile


def opening(subscriber: Subscriber, last_seen: str | None) -> bytes:
    """Return a new stream's first bytes: what was missed, then ``ready``.

    ``last_seen`` is the client's cursor as it was sent; None starts at the present. A cursor that
    cannot be served gets a ``reset``. Of a long replay it is the first PIECE; then the subscriber
    lags, and :func:`catch_up` has the rest.
    """
    head = log.head()
    start = head.position if last_seen is None else _start(last_seen, head)
    missed = _missed(subscriber, start, head)
    if not isinstance(missed, str) and _is_large(missed):
        missed = "length"
    subscriber.is_replaying = True
    return _piece(subscriber, missed, head)


def catch_up(subscriber: Subscriber, epoch: str) -> bytes:
    """Return a PIECE of what a subscriber has not been sent, after its queue had to be dropped.

    Where more is left, it goes on lagging, behind the last event of the piece. The last piece of a
    replay ends with ``ready``. A position that the stream has reached in another ``epoch`` than
    today's gets a ``reset``.
    """
    head = log.head()
    start = subscriber.position if head.epoch == epoch else "epoch"
    return _piece(subscriber, _missed(subscriber, start, head), head)


def _start(last_seen: str, head: Head) -> int | str:
    """Return the position to replay from, or the reason why there is none."""
    cursor = cursors.parse(last_seen)
    if cursor is None:
        return "malformed"
    if cursor.epoch != head.epoch:
        return "epoch"
    if cursor.position > head.position:
        return "future"
    return cursor.position


def _missed(subscriber: Subscriber, start: int | str, head: Head) -> list[Logged] | str:
    """Return the events behind ``start``, or the reason for a ``reset``.

    Move the subscriber to the log's head: what the hub offers meanwhile waits in the queue, and
    what of it is replayed is dropped there.
    """
    subscriber.position = head.position
    if isinstance(start, str):
        return start
    rows: list[Logged] | None = []
    if start < head.position:
        reader = subscriber.owner, subscriber.credential
        rows = replay.missed(*reader, start, head.position, subscriber.named, LONGEST_REPLAY + 1)
    if rows is None:
        return "pruned"
    if len(rows) > LONGEST_REPLAY:
        return "length"
    current_metrics().replays.observe(len(rows))
    return rows


def _is_large(rows: Sequence[Logged]) -> bool:
    return len(rows) > STEP and events.size_of(rows) > LARGEST_REPLAY


def _piece(subscriber: Subscriber, missed: Sequence[Logged] | str, head: Head) -> bytes:
    """Return a PIECE of what was missed, or a ``reset``; and ``ready`` where a replay is over."""
    piece = _reset(missed, head) if isinstance(missed, str) else _encoded(subscriber, missed, head)
    if subscriber.is_replaying and subscriber.position == head.position:
        subscriber.is_replaying = False
        piece += events.ready(head, random.randint(*RETRY))  # noqa: S311
    return piece


def _encoded(subscriber: Subscriber, rows: Sequence[Logged], head: Head) -> bytes:
    """Return the first PIECE of ``rows``; where more is left, the subscriber lags behind it."""
    piece = b""
    for entry in _entries(rows, head):
        piece += entry.frame or b""
        if len(piece) >= PIECE and entry.position < rows[-1].position:
            subscriber.lag_from(entry.position)
            break
    return piece


def _entries(rows: Sequence[Logged], head: Head) -> Iterator[Entry]:
    for begin in range(0, len(rows), STEP):
        yield from events.entries(rows[begin : begin + STEP], head.epoch)


def _reset(reason: str, head: Head) -> bytes:
    current_metrics().resets.labels(reason).inc()
    return events.reset(reason, Cursor(head.epoch, head.position))
