"""One open stream.

A subscriber belongs to the greenlet that runs its :meth:`Subscriber.pieces`; the hub offers it
events from other greenlets. Invariants:

- ``_parked`` is true only while that greenlet waits in the queue *and* nothing is on its way to
  the socket. Only then may the hub write to the socket itself, so bytes never interleave.
- ``_unsent``, the rest of a chunk that the hub began, goes out before any other byte.
- ``position`` is the last one handed to the socket or covered by a replay. It never falls below
  what was sent, and nothing at or below it is: so what a replay covered is dropped when offered.
- A queue that grows too large is dropped as a whole and the subscriber *lags*: its greenlet
  catches up from the log, starting at ``position``, piece by piece. So memory is bounded and
  nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

from gevent.queue import SimpleQueue

from chatapp.realtime.wire import Wire

#: Bytes that may wait for a slow client before it must catch up from the log instead. What the
#: kernel buffers comes on top.
QUEUE_BYTES = 128 * 1024

#: What a signal, which has no position, is queued under.
NO_POSITION = 0


class Subscriber:
    """One client's stream: what it may hear, how far it is, and how to write to it."""

    __slots__ = (
        "_closing",
        "_lags",
        "_may_write",
        "_parked",
        "_queue",
        "_queued_bytes",
        "_send_chunk",
        "_sending",
        "_unsent",
        "channels",
        "credential",
        "expires_at",
        "follows",
        "is_connected",
        "is_replaying",
        "named",
        "owner",
        "position",
        "revoked",
        "wire",
    )

    def __init__(
        self, owner: str, credential: str, *, follows: bool = False, wire: Wire | None = None
    ) -> None:
        self.owner = owner
        #: What its client signed in with; revoking that ends the stream.
        self.credential = credential
        #: Whether it gains and loses channels as its owner does, having named none itself.
        self.follows = follows
        #: What it was opened for, having named it: lost and granted again, it goes on.
        self.named: frozenset[str] = frozenset()
        self.wire = wire
        self._may_write = wire is not None and not wire.is_sealed
        # What takes a chunk at once; HTTP/1.0 has no chunks.
        self._send_chunk = wire.send_now if wire and self._may_write and wire.chunked else None
        #: A tuple, for a set of thirty takes 1 KB more; each channel once.
        self.channels: tuple[str, ...] = ()
        #: Channels lost while it was still being opened; they must not be attached after all.
        self.revoked: frozenset[str] = frozenset()
        #: Whether it was given its channels: from then on others are told of it.
        self.is_connected = False
        #: Whether it was not told yet that its replay is complete.
        self.is_replaying = False
        self.position = 0
        self.expires_at = float("inf")
        #: Frames that wait, each with its position; what only wakes the greenlet has no bytes.
        self._queue: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._queued_bytes = 0
        self._parked = False
        #: Whether the client may have to read before its greenlet goes on.
        self._sending = False
        #: Whether the queue was dropped; what is offered meanwhile is not kept.
        self._lags = False
        self._unsent: bytes | memoryview = b""
        #: Its last words, perhaps none, once it was told to end.
        self._closing: bytes | None = None

    @property
    def is_closing(self) -> bool:
        """Whether it has been told to end."""
        return self._closing is not None

    @property
    def is_parked(self) -> bool:
        """Whether it waits, with nothing on its way to the socket."""
        return self._parked

    def offer(self, position: int, frame: bytes, chunk: bytes) -> bool:
        """Take an event and return whether it went to the socket at once.

        ``chunk`` is ``frame`` as an HTTP chunk. Positions must come in ascending order;
        NO_POSITION is a signal, which is lost if the queue has to be dropped.
        """
        if position and position <= self.position:
            return False
        if self._parked and self._may_write and self.wire is not None:
            return self._write(self.wire, position, frame, chunk)
        self._enqueue(position, frame)
        return False

    def ping(self, frame: bytes, chunk: bytes) -> bool:
        """Send a heartbeat, unless other bytes are on their way anyway; return whether it is."""
        if self._parked:
            self.offer(NO_POSITION, frame, chunk)
            return True
        return False

    def end(self, farewell: bytes = b"") -> None:
        """Let the stream end after ``farewell``; what is queued is not sent any more."""
        if self._closing is None:
            self._closing = farewell
            self._wake()

    def lag_from(self, position: int) -> None:
        """Go on lagging behind ``position``: the log holds more than was to be handed over at once.

        For ``catch_up`` and the replay, before anything behind ``position`` was sent.
        """
        self._drop_queue()
        self.position = position

    def cut(self, farewell: bytes = b"") -> None:
        """End the stream now: a client that is being written to, and may never read, is cut off."""
        self.end(farewell)
        if self._sending and self.wire is not None:
            self.wire.abort()

    def pieces(
        self, opening: bytes, catch_up: Callable[[Subscriber], bytes]
    ) -> Generator[bytes, None, None]:
        """Yield the response's body: ``opening`` (the replay), then what is offered, until ended.

        Each piece is everything that waits, perhaps nothing. With a wire, the hub's own writes go
        out between two pieces. ``catch_up`` returns what the log has behind ``position`` and moves
        it; what it raises ends the stream.

        Raises:
            OSError: the client has gone.
        """
        self._sending = True
        if self._closing is None:
            yield opening
            # It may be large, and the stream may be silent for an hour: let go of it, here and in
            # the server, which has it as the piece that it wrote last.
            opening = b""
            yield opening
        while self._closing is None:
            waiting = self._wait()
            if waiting and self._closing is None:
                yield waiting
            # Not for who is shut out: what was missed may go on behind the end of their right.
            if self._lags and self._closing is None:
                self._lags = False
                yield catch_up(self)
        if self._closing:
            yield self._closing

    def _write(self, wire: Wire, position: int, frame: bytes, chunk: bytes) -> bool:
        data = chunk if wire.chunked else frame
        try:
            sent = wire.try_send(data)
        except OSError:
            self.end()
            return False
        return self._took(sent, data, position, frame)

    def _took(self, sent: int, data: bytes, position: int, frame: bytes) -> bool:
        """Note how much of ``data`` the kernel took, see to the rest; return whether it began."""
        self._sending = sent < len(data)
        if sent == 0:
            self._enqueue(position, frame)
            return False
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]  # all who are slow share the chunk
            self._wake()
        self.position = position or self.position
        return True

    def _enqueue(self, position: int, frame: bytes) -> None:
        if self._lags or self._closing is not None:
            return
        self._queued_bytes += len(frame)
        if self._queued_bytes > QUEUE_BYTES:
            self._drop_queue()
        else:
            self._wake(position, frame)

    def _drop_queue(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queued_bytes = 0
        self._lags = True
        self._wake()

    def _wake(self, position: int = NO_POSITION, frame: bytes = b"") -> None:
        self._parked = False
        self._queue.put_nowait((position, frame))

    def _wait(self) -> bytes:
        """Park until there is something to do; return all that waits, perhaps nothing."""
        self._sending = False
        self._parked = self._queue.empty()
        items = [self._queue.get()]  # filled by _wake alone, and so no longer parked
        self._sending = True
        if self._unsent and self.wire is not None:
            # The rest of a chunk that the hub began: no other byte may come before it.
            rest, self._unsent = self._unsent, b""
            self.wire.send_all(rest)
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        self._queued_bytes = 0
        return b"".join(self._still_due(items))

    def _still_due(self, items: list[tuple[int, bytes]]) -> Iterator[bytes]:
        for position, frame in items:
            if position > self.position:
                self.position = position
                yield frame
            elif position == NO_POSITION:
                yield frame


def offer_to_all(
    subscribers: Iterable[Subscriber], position: int, frame: bytes, chunk: bytes
) -> tuple[int, int]:
    """Offer an event, which has a place in the log, to each.

    Return how many it went to at once, and how many take it later; who has it already is neither.

    The innermost loop of delivery. It does what :meth:`Subscriber.offer` does, and says so here
    without a call for the usual case: a parked subscriber whose socket takes all of it.
    """
    direct = queued = 0
    for subscriber in subscribers:
        if position <= subscriber.position:
            continue
        send = subscriber._send_chunk  # noqa: SLF001 (this module's own)
        if send is None or not subscriber._parked:  # noqa: SLF001
            at_once = subscriber.offer(position, frame, chunk)
            direct += at_once
            queued += not at_once
            continue
        try:
            sent = send(chunk)
        except BlockingIOError:
            sent = 0
        except OSError:
            subscriber.end()
            continue
        if sent == len(chunk):
            subscriber.position = position
            direct += 1
        else:
            at_once = subscriber._took(sent, chunk, position, frame)  # noqa: SLF001
            direct += at_once
            queued += not at_once
    return direct, queued
