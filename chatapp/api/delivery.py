"""The app's delivery: hub, follower, heartbeat and presence, wired to the log and to the logs."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from functools import partial

import gevent
from flask import Flask, current_app, has_app_context
from gevent.lock import Semaphore

from chatapp import descriptors, throttle
from chatapp.api import events, outages, streams
from chatapp.api.one_key import OneKey
from chatapp.api.problems import STREAM_PATH
from chatapp.api.turns import InTurn, Turns
from chatapp.config import Settings
from chatapp.domain import log
from chatapp.extensions import db
from chatapp.housekeeping import Housekeeping
from chatapp.logs import log_event
from chatapp.metrics import Metrics
from chatapp.realtime import doorbell as doorbells
from chatapp.realtime.background import log_failure
from chatapp.realtime.doorbell import Doorbell
from chatapp.realtime.entry import Disconnect, Entry
from chatapp.realtime.follower import PAUSE, Follower
from chatapp.realtime.heartbeat import Heartbeat
from chatapp.realtime.hub import Hub
from chatapp.realtime.own_stack import OwnStack
from chatapp.realtime.presence import Presence
from chatapp.realtime.pulse import Pulse
from chatapp.realtime.subscriber import Subscriber

logger = logging.getLogger("chatapp.delivery")

#: Seconds that streams have to take their goodbye in before they are broken.
GOODBYE = 3


class Delivery:
    """What one process needs to serve streams: ``app.extensions["chatapp"]``."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._epoch = ""
        self._metrics: Metrics = app.extensions["chatapp.metrics"]
        self.hub = Hub(
            per_owner=settings.streams_per_user,
            most=min(settings.streams, descriptors.streams()),
            observe=self._observe,
        )
        self.follower = Follower(
            self._position,
            self._after,
            self._deliver,
            self._metrics.delivery_lag.observe,
            self._began_anew,
        )
        #: Streams read the log in turn. SQLite's one connection serves all of them at once.
        self.turns: Turns = nullcontext()
        if not settings.is_sqlite:
            # The other half of the connections is for posts, for pages, and for following the log.
            self.turns = Semaphore(max(1, settings.database_connections // 2))
        self.presence = Presence(self.hub.owners, self._tell_presence)
        self.key = OneKey(settings.secret_key)
        self.doorbell = self._doorbell(settings)
        self._background = (
            self.follower,
            *([self.doorbell] if self.doorbell else []),
            Heartbeat(self.hub),
            self.presence,
            Pulse(self._metrics.loop_lag.observe),
            Housekeeping(app, settings.log_days),
        )

    def start(self) -> None:
        """Start following the log; the first stream of the process does it."""
        for part in self._background:
            part.start()

    def start_soon(self) -> None:
        """Start in a greenlet, as soon as the database lets us: a worker serves without it, too."""
        gevent.spawn(self._start_at_last)

    def is_following(self) -> bool:
        """Whether new events reach this process's streams, as far as the last reading tells."""
        return self.follower.is_well

    def ring(self, position: int = 0) -> None:
        """Say that this process has committed to the log, up to ``position``."""
        self.follower.ring()
        if self.doorbell and position:
            self.doorbell.ring(position)

    def signal(self, channel: str, frame: bytes) -> None:
        """Bring a signal to the channel's subscribers, in the other processes too."""
        self.hub.signal(channel, frame)
        if self.doorbell:
            self.doorbell.send("signal", channel, frame)

    def catch_up(self, subscriber: Subscriber) -> bytes:
        """Return what a subscriber that is behind has missed, with a short app context.

        Nothing while the log cannot be read: it stays behind, and asks again.
        """
        position = subscriber.position
        if not subscriber.is_replaying:
            self._metrics.overflows.inc()
        try:
            with self.turns, self._app.app_context():
                return streams.catch_up(subscriber, self._epoch)
        except Exception as error:
            if not outages.passes(error):
                raise
            # Whoever follows the log tells of it, once.
            subscriber.lag_from(position)
            gevent.sleep(PAUSE)
            return b""

    def drain(self) -> None:
        """Say goodbye to every stream; the process is about to stop."""
        log_event(logger, "drain", streams=len(self.hub))
        self.hub.drain()
        gevent.spawn_later(GOODBYE, self.hub.abandon)

    def stop(self) -> None:
        """Stop following and beating; open streams hear no more."""
        for part in self._background:
            part.stop()

    def _start_at_last(self) -> None:
        failed = False
        while True:
            try:
                return self.start()
            except Exception as error:  # noqa: BLE001 (logged)
                log_failure(logger, "delivery could not start yet", error, again=failed)
                failed = True
                gevent.sleep(PAUSE)

    def _doorbell(self, settings: Settings) -> Doorbell | None:
        # SQLite has one process: there is nobody to ring for.
        if settings.redis_url is None or settings.is_sqlite:
            return None
        posts = throttle.throttles(self._app).posts
        doorbell = Doorbell(
            doorbells.connect(settings.redis_url),
            self._rung,
            {
                "signal": self.hub.signal,
                "presence": self.presence.heard,
                "post": lambda user_id, _: posts.note(user_id),
                "key": self.key.heard,
            },
        )
        self.presence.send = partial(doorbell.send, "presence")
        self.key.send = partial(doorbell.send, "key")
        posts.tell = lambda user_id: doorbell.send("post", user_id, b"")
        return doorbell

    def _rung(self, position: int | None) -> None:
        if position is None:
            # The doorbell is new, or back: what was said meanwhile was not heard.
            self.presence.ask()
            self.key.tell()
        # Our own ring comes back to us; what we have already is no reason to look.
        if position is None or position > self.follower.position:
            self.follower.ring()

    def _deliver(self, entries: Sequence[Entry]) -> None:
        self.hub.deliver(entries)
        for entry in entries:
            if isinstance(entry.effect, Disconnect) and entry.effect.credential is None:
                self.presence.drop(entry.effect.owner)

    def _tell_presence(self, online: Collection[str], offline: Collection[str]) -> None:
        self.hub.signal(log.TEAM, events.presence(online, offline))

    def _observe(self, event: str, **fields: object) -> None:
        log_event(logger, event, logging.INFO, **fields)
        self._metrics.observe(event, **fields)

    def _position(self) -> int:
        with self._app.app_context():
            head = log.head()
        self._epoch = head.epoch
        return head.position

    def _began_anew(self) -> int | None:
        """Return where the log stands if history has gone backwards: a backup was restored.

        Or it is behind what was delivered, though nobody has said so; or a part was pruned that was
        not delivered yet, as by a clock that is wrong. Then every stream comes anew. Its cursor is
        of the old epoch, also that of what was delivered meanwhile, or of a position that was
        pruned, so it is told ``reset``.
        """
        with self._app.app_context():
            head = log.head()
            if head.epoch == self._epoch and head.position < self.follower.position:
                head = log.renew_epoch_behind(self._epoch, self.follower.position)
        is_new = head.epoch != self._epoch
        if not is_new and head.pruned_position <= self.follower.position:
            return None
        self._epoch = head.epoch
        what = "new_epoch" if is_new else "pruned_undelivered"
        log_event(logger, what, logging.WARNING, streams=len(self.hub))
        self.hub.send_away()
        return head.position

    def _after(self, position: int, limit: int) -> Sequence[Entry]:
        # One context for the follower's whole life: a new one for each reading is as dear as that.
        if not has_app_context():
            self._app.app_context().push()
        try:
            return events.after(position, limit, self._epoch, self.hub.hears, self.hub.owners())
        finally:
            db.session.remove()


def current_delivery() -> Delivery:
    """Return the delivery of the app that serves this request."""
    delivery: Delivery = current_app.extensions["chatapp"]
    return delivery


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its delivery and let transactions ring it."""
    delivery = Delivery(app, settings)
    app.extensions["chatapp"] = delivery
    app.wsgi_app = OwnStack(app.wsgi_app, STREAM_PATH)  # type: ignore[method-assign]
    if not settings.is_sqlite:
        app.wsgi_app = InTurn(app.wsgi_app, STREAM_PATH, delivery.turns)  # type: ignore[method-assign]
    app.extensions["chatapp.doorbell"] = delivery.ring
