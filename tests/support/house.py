"""A hub with clients on fake wires, and what it says of itself."""

from __future__ import annotations

from chatapp.realtime import frames
from chatapp.realtime.entry import Effect, Entry
from chatapp.realtime.hub import Hub
from tests.support.fake_client import FakeClient, FakeWire, settle


class Told:
    """Collects what the hub says of itself."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def __call__(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})

    def of(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line["event"] == event]


class House:
    """A hub with clients."""

    def __init__(self) -> None:
        self.told = Told()
        self.hub = Hub(per_owner=3, most=5, observe=self.told)
        self.clients: list[FakeClient] = []

    def client(
        self, owner: str, *channels: str, follows: bool = False, credential: str = "sess"
    ) -> FakeClient:
        subscriber = self.hub.register(owner, credential, follows=follows, wire=FakeWire())
        self.hub.attach(subscriber, channels)
        client = FakeClient(subscriber)
        client.serve(frames.event(b"{}", name="ready"))
        self.clients.append(client)
        return client

    def deliver(self, *entries: Entry) -> None:
        self.hub.deliver(entries)
        settle()


def entry(
    position: int,
    channel: str = "group:g",
    *,
    recipient: str | None = None,
    effect: Effect | None = None,
    shown: bool = True,
) -> Entry:
    frame = frames.event(b"%d" % position, event_id=f"e-{position}") if shown else None
    return Entry(position, channel, frame, recipient, effect)
