"""A client that listens, and tells of everything that a stream must not do.

It keeps what docs/EVENTS.md asks of a client and no more: it loads the state with its cursor,
listens from there, comes back with the id of the last whole event, and loads afresh on ``reset``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import gevent
from gevent import socket
from gevent.event import Event as Flag

from tests.support import raw_http as http
from tests.support.team import Person, reference

_FIELDS = ("id", "event", "data", "retry")


class Heard(NamedTuple):
    """One event as it came over the wire."""

    name: str
    id: str
    data: Any


class Listener:
    """One client of ``person``: a stream of everything, and the messages of ``conversations``."""

    def __init__(
        self,
        port: int,
        person: Person,
        *conversations: str,
        receive_buffer: int = 0,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.port, self.person, self.conversations = port, person, conversations
        #: Seconds before it comes back; a browser waits for `retry:`, tests need not.
        self.delay = 0.05
        #: Bytes that it reads at the most before others have a turn.
        self.gulp = 65536
        #: What it sends with each request; its bearer token if nothing else.
        self._headers = headers or {"Authorization": f"Bearer {person.token}"}
        self._receive_buffer = receive_buffer
        #: What its page shows: id to text, in the order in which it came.
        self.shown: dict[str, str] = {}
        #: What it heard that must not be: "doubled", "out of order", "torn".
        self.faults: list[str] = []
        #: Names of controls with their reason: "reset:pruned", "reconnect:restart".
        self.told: Counter[str] = Counter()
        #: Whether it may be told to load afresh, as where its cursor is foreign.
        self.may_reload = False
        #: Statuses other than 200 that opening a stream was answered with.
        self.refusals: Counter[int] = Counter()
        #: Who was said to be typing, each time.
        self.typing: list[str] = []
        #: Who is online, as far as its stream said so, and all who were ever said to have gone.
        self.online: set[str] = set()
        self.went: set[str] = set()
        #: How many events; not those of who came and went, which come whenever anybody does.
        self.heard = 0
        self.connections = self.bytes = 0
        self.is_live = False
        self.cursor = ""
        self._reads = Flag()
        self._reads.set()
        self._socket: socket.socket | None = None
        self._greenlet: gevent.Greenlet[[], None] | None = None

    @property
    def reloads(self) -> int:
        """How often it was told to load afresh."""
        return sum(count for what, count in self.told.items() if what.startswith("reset:"))

    def start(self) -> Listener:
        """Load, listen, and keep coming back."""
        self._greenlet = gevent.spawn(self._run)
        return self

    def stop(self) -> None:
        """Leave for good."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._hang_up()

    def cut(self) -> None:
        """Lose the connection; the client comes back by itself."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def pause(self) -> None:
        """Stop reading, without closing."""
        self._reads.clear()

    def resume(self) -> None:
        """Read on."""
        self._reads.set()

    def _run(self) -> None:
        while True:
            with suppress(OSError):
                if not self.cursor:
                    self._load()
                self._listen()
            self._hang_up()
            gevent.sleep(self.delay)

    def _hang_up(self) -> None:
        self.is_live = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _load(self) -> None:
        """Fetch the state; its cursor is the first answer's, so nothing falls in between."""
        cursor = ""
        shown: dict[str, str] = {}
        for conversation in self.conversations:
            before = ""
            rows: list[dict[str, str]] = []
            while True:
                path = f"/api/messages?{reference(conversation)}={conversation}&limit=100{before}"
                answer = http.call(self.port, "GET", path, headers=self._headers)
                if answer.status != 200:
                    raise ConnectionAbortedError(answer.status)
                cursor = cursor or answer.headers["chat-cursor"]
                rows[:0] = answer.json
                if len(answer.json) < 100:
                    break
                before = f"&before={rows[0]['id']}"
            shown |= {row["id"]: row["content"] for row in rows}
        self.shown, self.cursor = shown, cursor

    def _listen(self) -> None:
        self._socket = http.connect(self.port, receive_buffer=self._receive_buffer)
        last = {"Last-Event-ID": self.cursor} if self.cursor else {}
        request = http.request_bytes("GET", "/api/sse", None, headers={**self._headers, **last})
        self._socket.sendall(request)
        status, _, rest = http.read_head(self._socket)
        if status != 200:
            self.refusals[status] += 1
            return
        self.connections += 1
        for event in self._events(rest):
            self._apply(event)

    def _events(self, rest: bytes) -> Iterator[Heard]:
        """Yield whole events; what is incomplete when the connection ends is dropped."""
        assert self._socket is not None
        text = b""
        while True:
            chunks, rest = self._chunks(rest)
            *blocks, text = (text + chunks).split(b"\n\n")
            for block in blocks:
                event = self._parsed(block)
                if event is not None:
                    yield event
            self._reads.wait()
            piece = self._socket.recv(self.gulp)
            if not piece:
                return
            self.bytes += len(piece)
            rest += piece

    def _chunks(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what the whole chunks at the head of ``data`` hold, and the bytes behind them."""
        held = []
        while b"\r\n" in data:
            line, _, rest = data.partition(b"\r\n")
            try:
                size = int(line, 16)
            except ValueError:
                self.faults.append("torn")
                raise ConnectionAbortedError("no chunk") from None
            if len(rest) < size + 2:
                break
            if rest[size : size + 2] != b"\r\n":
                self.faults.append("torn")
                raise ConnectionAbortedError("no chunk's end")
            held.append(rest[:size])
            data = rest[size + 2 :]
        return b"".join(held), data

    def _parsed(self, block: bytes) -> Heard | None:
        fields: dict[str, str] = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(": ")
            if name not in _FIELDS or name in fields:
                self.faults.append("torn")
                return None
            fields[name] = value
        try:
            data = json.loads(fields["data"])
        except (KeyError, ValueError):
            self.faults.append("torn")
            return None
        return Heard(fields.get("event", "message"), fields.get("id", ""), data)

    def _apply(self, event: Heard) -> None:
        self.heard += event.name != "presence"
        if event.name in ("reset", "reconnect"):
            self.told[f"{event.name}:{event.data['reason']}"] += 1
        if event.name == "reset":
            self._load()
            return
        if event.id:
            self._check_order(event)
            self.cursor = event.id
        if event.name == "ready":
            self.is_live = True
        elif event.name in ("message", "message:updated"):
            self.shown[event.data["id"]] = event.data["content"]
        elif event.name == "message:deleted":
            self.shown.pop(event.data["id"], None)
        elif event.name == "typing":
            self.typing.append(event.data["userId"])
        elif event.name == "presence":
            self.online = (self.online | {*event.data["online"]}) - {*event.data["offline"]}
            self.went |= {*event.data["offline"]}

    def _check_order(self, event: Heard) -> None:
        epoch, _, position = event.id.partition("-")
        last_epoch, _, last = self.cursor.partition("-")
        if epoch != last_epoch or event.name == "ready":
            return
        if int(position) <= int(last):
            again = event.name == "message" and event.data["id"] in self.shown
            self.faults.append("doubled" if again else "out of order")
