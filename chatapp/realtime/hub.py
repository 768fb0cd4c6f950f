"""Which subscribers a channel has in this process, and bringing an entry to all of them.

What is in the log is brought by one greenlet, the follower's, in its order; a change of
subscriptions (a removal, a revoked session) comes in that same order, so nobody is sent what was
committed after they lost the right to it. Signals and heartbeats come from other greenlets, in
between: what keeps their bytes apart is each subscriber's own (``_parked``).
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

import gevent

from chatapp.realtime import frames, writes
from chatapp.realtime.entry import Disconnect, Entry, Grant, Revoke
from chatapp.realtime.subscriber import NO_POSITION, Subscriber, offer_to_all
from chatapp.realtime.wire import Wire

#: Seconds that a stream lives, drawn evenly: so that streams opened together end apart.
LIFETIME = (30 * 60, 60 * 60)
#: Milliseconds that a client waits before it connects again, drawn evenly for each.
RETRY = (500, 3000)

#: Subscribers that are written to before other greenlets have a turn: some 5 ms.
BREATH = 512

#: Told of what happens: an event's name and its fields. For the log and the metrics.
#: ``client_connected`` (user, channels: how many subscribers each has now), ``client_disconnected``
#: (user, channels: how many are left, streams), ``subscription_added`` and ``subscription_removed``
#: while a stream is open (user, channel, subscribers), ``broadcast`` (channel, position, events,
#: subscribers, and how many deliveries were direct and how many queued).
Observer = Callable[..., None]


class TooManyStreams(Exception):
    """The owner has as many streams open as one owner may."""


class Full(Exception):
    """This process has as many streams open as it may, or is about to stop."""


class Hub:
    """The subscribers of one process."""

    def __init__(self, *, per_owner: int, most: int, observe: Observer) -> None:
        self.per_owner = per_owner
        self.most = most
        self.draining = False
        #: How many revocations it has brought: whoever sees it unchanged has missed none.
        self.revocations = 0
        self._observe = observe
        # dicts, not sets: iterated in the order of arrival, and safe to copy cheaply. A key is in
        # them for as long as it has a subscriber: read them with ``get``, which adds none.
        self._channels: dict[str, dict[Subscriber, None]] = defaultdict(dict)
        self._owners: dict[str, dict[Subscriber, None]] = defaultdict(dict)
        #: How many subscribers ``_owners`` has in all.
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def register(
        self, owner: str, credential: str, *, follows: bool, wire: Wire | None
    ) -> Subscriber:
        """Return a new subscriber without channels; from here on revocations reach it.

        Raises:
            TooManyStreams: ``owner`` is at the limit.
            Full: the process is, or it is draining.
        """
        if self.draining or self._size >= self.most:
            raise Full
        if len(self._owners.get(owner, ())) >= self.per_owner:
            self._forget_gone(owner)
        if len(self._owners.get(owner, ())) >= self.per_owner:
            raise TooManyStreams
        subscriber = Subscriber(owner, credential, follows=follows, wire=wire)
        subscriber.expires_at = time.monotonic() + random.uniform(*LIFETIME)  # noqa: S311
        self._owners[owner][subscriber] = None
        self._size += 1
        return subscriber

    def attach(self, subscriber: Subscriber, channels: Iterable[str]) -> None:
        """Subscribe to ``channels``, except those revoked since it was registered."""
        if subscriber.is_closing:
            return  # it may be forgotten already, and nobody would forget it again
        self._add(subscriber, channels)
        subscriber.is_connected = True
        counts = {channel: len(self._channels[channel]) for channel in subscriber.channels}
        self._observe("client_connected", user=subscriber.owner, channels=counts)

    def remove(self, subscriber: Subscriber) -> None:
        """Forget a subscriber whose stream is over; may be called again."""
        if subscriber not in self._owners.get(subscriber.owner, ()):
            return
        channels, subscriber.channels = subscriber.channels, ()
        left = {channel: self._forget(subscriber, channel) for channel in channels}
        _discard(self._owners, subscriber.owner, subscriber)
        self._size -= 1
        if subscriber.is_connected:
            told = {"user": subscriber.owner, "channels": left, "streams": self._size}
            self._observe("client_disconnected", **told)

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Bring entries, in the order of the log, to whom they concern.

        Neighbours on one channel leave in one write for each subscriber.
        """
        for write in writes.of(entries):
            if isinstance(write[0].effect, Grant):
                self._grant(write[0].effect.owner, write[0].channel)
            self._fan_out(write)
            self._take_away(write[0])

    def signal(self, channel: str, frame: bytes) -> None:
        """Bring something that has no place in the log, such as typing, to a channel."""
        chunk = frames.chunk(frame)
        for number, subscriber in enumerate(list(self._channels.get(channel, ())), start=1):
            subscriber.offer(NO_POSITION, frame, chunk)
            if number % BREATH == 0:
                gevent.sleep(0)

    def drain(self) -> None:
        """Say goodbye to every stream and take no new one: the process is about to stop."""
        self.draining = True
        self.send_away()

    def send_away(self) -> None:
        """Say goodbye to every stream; each comes back with its cursor."""
        # Where they come anew for a log that does not go on, one may be in what was passed over.
        self.revocations += 1
        for subscriber in self.subscribers():
            subscriber.end(farewell("restart"))

    def abandon(self) -> None:
        """Break the streams that are still open: their clients read no goodbye."""
        for subscriber in self.subscribers():
            subscriber.cut()

    def subscribers(self) -> list[Subscriber]:
        """Return every subscriber there is now."""
        return [subscriber for owned in self._owners.values() for subscriber in owned]

    def owners(self) -> AbstractSet[str]:
        """Return who has streams here, as a view: of every moment, and at no cost."""
        return self._owners.keys()

    def hears(self, channel: str) -> bool:
        """Whether the channel has subscribers."""
        return channel in self._channels

    def counts(self) -> dict[str, int]:
        """Return how many subscribers each channel has."""
        return {channel: len(members) for channel, members in self._channels.items()}

    def _forget_gone(self, owner: str) -> None:
        # A write would find it out too, but as late as at the next ping: until then somebody whose
        # connection breaks often would be refused.
        for subscriber in list(self._owners.get(owner, ())):
            if subscriber.wire is not None and subscriber.wire.is_gone():
                subscriber.end()
                self.remove(subscriber)

    def _fan_out(self, write: list[Entry]) -> None:
        events = [(entry.position, entry.frame) for entry in write if entry.frame is not None]
        if not events:
            return
        position, frame = events[-1][0], b"".join(frame for _, frame in events)
        chunk = frames.chunk(frame)
        targets = self._targets(write[0])
        direct = queued = 0
        for begin in range(0, len(targets), BREATH):
            if begin:
                gevent.sleep(0)
            part = targets[begin : begin + BREATH]
            if len(events) > 1:
                part, singly = self._single_out(part, events)
                queued += singly
            written, waiting = offer_to_all(part, position, frame, chunk)
            direct += written * len(events)
            queued += waiting * len(events)
        self._observe(
            "broadcast",
            channel=write[0].channel,
            position=position,
            events=len(events),
            subscribers=len(targets),
            direct=direct,
            queued=queued,
        )

    @staticmethod
    def _single_out(
        subscribers: list[Subscriber], events: list[tuple[int, bytes]]
    ) -> tuple[list[Subscriber], int]:
        """Offer the events one by one to who may have some of them.

        Return the others, and how many events were taken by those who were singled out. Who is not
        parked may be about to have some: the answer that says how far its replay reaches is on its
        way, and moves its position past them.
        """
        chunked = [(position, frame, frames.chunk(frame)) for position, frame in events]
        others, taken = [], 0
        for subscriber in subscribers:
            if subscriber.is_parked and subscriber.position < events[0][0]:
                others.append(subscriber)
                continue
            for event in chunked:
                taken += event[0] > subscriber.position
                subscriber.offer(*event)
        return others, taken

    def _targets(self, entry: Entry) -> list[Subscriber]:
        if entry.recipient is None:
            return list(self._channels.get(entry.channel, ()))
        owned = self._owners.get(entry.recipient, ())
        return [subscriber for subscriber in owned if entry.channel in subscriber.channels]

    def _take_away(self, entry: Entry) -> None:
        """Take what an entry, which they have been brought, takes from subscribers."""
        match entry.effect:
            case Revoke(owner):
                self._revoke(owner, entry.channel)
            case Disconnect(owner, credential):
                self.revocations += 1
                for subscriber in list(self._owners.get(owner, ())):
                    if credential in (None, subscriber.credential):
                        subscriber.cut(farewell("revoked"))
                        self.remove(subscriber)

    def _grant(self, owner: str, channel: str) -> None:
        for subscriber in list(self._owners.get(owner, ())):
            subscriber.revoked -= {channel}
            wanted = subscriber.follows or channel in subscriber.named
            if wanted and self._add(subscriber, [channel]):
                self._tell_of("subscription_added", subscriber, channel)

    def _revoke(self, owner: str, channel: str) -> None:
        for subscriber in list(self._owners.get(owner, ())):
            subscriber.revoked |= {channel}
            if channel in subscriber.channels:
                subscriber.channels = tuple(kept for kept in subscriber.channels if kept != channel)
                self._forget(subscriber, channel)
                self._tell_of("subscription_removed", subscriber, channel)
                if not subscriber.channels:
                    subscriber.cut(farewell("revoked"))

    def _add(self, subscriber: Subscriber, channels: Iterable[str]) -> bool:
        """Subscribe to those that were not revoked meanwhile; return whether any is new."""
        known = subscriber.revoked.union(subscriber.channels)
        # One text for all of a channel's subscribers: each has a list of some thirty.
        new = tuple(sys.intern(each) for each in dict.fromkeys(channels) if each not in known)
        for channel in new:
            self._channels[channel][subscriber] = None
        subscriber.channels += new
        return bool(new)

    def _forget(self, subscriber: Subscriber, channel: str) -> int:
        """Forget one of a channel's subscribers, and return how many are left."""
        _discard(self._channels, channel, subscriber)
        return len(self._channels.get(channel, ()))

    def _tell_of(self, what: str, subscriber: Subscriber, channel: str) -> None:
        left = len(self._channels.get(channel, ()))
        self._observe(what, user=subscriber.owner, channel=channel, subscribers=left)


def farewell(reason: str) -> bytes:
    """Return the last event of a stream, with a wait of its own so that clients return apart."""
    retry = random.randint(*RETRY)  # noqa: S311
    return frames.event(b'{"reason":"%b"}' % reason.encode(), name="reconnect", retry=retry)


def _discard(table: dict[str, dict[Subscriber, None]], key: str, subscriber: Subscriber) -> None:
    table[key].pop(subscriber, None)
    if not table[key]:
        del table[key]
