"""A client at the other end of a fake socket, which takes as many bytes as the test lets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
from gevent.event import Event as Flag

from chatapp.realtime import frames
from chatapp.realtime.subscriber import Subscriber
from chatapp.realtime.wire import Wire
from tests.support.event_stream import Event, EventStream

#: As good as no limit.
PLENTY = 10**9


class FakeWire(Wire):
    """A socket whose kernel buffer has ``room`` bytes left."""

    __slots__ = ("_has_room", "aborted", "broken", "received", "room", "sends")

    def __init__(
        self, *, chunked: bool = True, room: int = PLENTY, is_sealed: bool = False
    ) -> None:
        self.chunked = chunked
        self.is_sealed = is_sealed
        self.send_now = self.try_send
        self.room = room
        self.received = bytearray()
        self.sends = 0
        self.broken = self.aborted = False
        self._has_room = Flag()

    def try_send(self, data: bytes | memoryview) -> int:
        if self.broken:
            raise BrokenPipeError
        self.sends += 1
        taken = min(len(data), self.room)
        self.received += data[:taken]
        self.room -= taken
        return taken

    def is_gone(self) -> bool:
        return self.broken

    def send_all(self, data: bytes | memoryview) -> None:
        while data:
            sent = self.try_send(data)
            data = data[sent:]
            if data:
                self._has_room.clear()
                self._has_room.wait()

    def abort(self) -> None:
        self.aborted = self.broken = True
        self._has_room.set()

    def read(self, room: int = PLENTY) -> None:
        """Let the client read, so that there is room again."""
        self.room = room
        self._has_room.set()


class FakeClient:
    """A subscriber, what serves it, and what has arrived of it."""

    def __init__(
        self, subscriber: Subscriber, catch_up: Callable[[Subscriber], bytes] | None = None
    ) -> None:
        self.subscriber = subscriber
        self.wire = subscriber.wire
        self.pieces: list[bytes] = []
        self._catch_up = catch_up or _no_catch_up
        self._server: gevent.Greenlet[[Iterator[bytes]], None] | None = None

    def serve(self, opening: bytes = b"") -> None:
        """Serve the response as gunicorn does, up to where it waits."""
        self._server = gevent.spawn(self._serve, self.subscriber.pieces(opening, self._catch_up))
        settle()

    @property
    def is_served(self) -> bool:
        """Whether the response is still open."""
        return self._server is not None and not self._server.dead

    @property
    def body(self) -> bytes:
        """What has arrived, out of its chunks."""
        if isinstance(self.wire, FakeWire):
            received = bytes(self.wire.received)
            return b"".join(dechunked(received)) if self.wire.chunked else received
        return b"".join(self.pieces)

    def events(self) -> list[Event]:
        """Return the events that have arrived."""
        return EventStream().feed(self.body)

    def close(self) -> None:
        """End the server's greenlet."""
        if self._server is not None:
            self._server.kill()

    def _serve(self, pieces: Iterator[bytes]) -> None:
        try:
            for piece in filter(None, pieces):  # as servers do: an empty chunk would be the end
                self.pieces.append(piece)
                if self.wire is not None:
                    self.wire.send_all(frames.chunk(piece) if self.wire.chunked else piece)
        except BrokenPipeError:
            pass


def settle() -> None:
    """Let every greenlet run until it waits."""
    gevent.idle()
    gevent.idle()


def dechunked(data: bytes) -> Iterator[bytes]:
    """Return the complete chunks of RFC 9112, 7.1, strictly."""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        if len(rest) < length + 2:
            return
        assert rest[length : length + 2] == b"\r\n", "bytes of two writers are mixed"
        yield rest[:length]
        data = rest[length + 2 :]


def _no_catch_up(_subscriber: Subscriber) -> bytes:
    raise AssertionError("nothing was to be caught up")


OPENING = frames.event(b"opening", name="ready")


def frame(position: int, size: int = 1) -> bytes:
    return frames.event(b"%d %b" % (position, b"x" * size), event_id=f"e-{position}")


def offer(subscriber: Subscriber, position: int, size: int = 1) -> bool:
    data = frame(position, size)
    return subscriber.offer(position, data, frames.chunk(data))


def client_of(wire: FakeWire | None, **kwargs: object) -> FakeClient:
    return FakeClient(Subscriber("ann", "sess_1", wire=wire), **kwargs)  # type: ignore[arg-type]


def positions(client: FakeClient) -> list[int]:
    return [int(event.data.split()[0]) for event in client.events() if event.type == "message"]
