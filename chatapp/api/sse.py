"""``/api/sse``: the stream."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import Blueprint, Response, request

from chatapp import identity
from chatapp.api import shut_out, streams
from chatapp.api.answers import Answer, json_answer
from chatapp.api.delivery import current_delivery
from chatapp.api.problems import problem
from chatapp.domain.errors import Forbidden, Invalid, TooMany
from chatapp.domain.identity import Identity
from chatapp.domain.statements import keep_connection
from chatapp.extensions import db
from chatapp.realtime import wire
from chatapp.realtime.body import Body
from chatapp.realtime.hub import Full, Hub, TooManyStreams, farewell
from chatapp.realtime.subscriber import Subscriber

bp = Blueprint("sse", __name__, url_prefix="/sse")

#: The most channels that one stream may name; a stream of everything names none.
MOST_CHANNELS = 100
_CHANNEL = re.compile(r"(dm:dm|group:group)_[A-Za-z0-9_-]{1,40}", re.ASCII)


@bp.get("")
def stream() -> Response:
    """Open a stream of the named channels, or of everything that the caller may read."""
    delivery = current_delivery()
    me = identity.current()
    named = _named_channels()
    if delivery.hub.draining:
        # Not a 503: that would end a native EventSource for good, in each reload (WHATWG 9.2).
        return _event_stream([farewell("restart")], Response)
    delivery.start()
    try:
        subscriber = _register(delivery.hub, me, follows=not named)
    except TooManyStreams:
        raise TooMany("You have too many streams open; close one first.", retry_after=30) from None
    except Full:
        return problem(
            503,
            "Too many streams",
            "This server holds no more streams; try again soon.",
            headers={"Retry-After": "5"},
        )
    return _open(delivery.hub, subscriber, named)


@bp.get("/stats")
def stats() -> Response:
    """Return how many subscriptions each conversation has in this process; for administrators."""
    if not identity.current().is_admin:
        raise Forbidden("Only an administrator may see this.")
    counts = current_delivery().hub.counts()
    return json_answer(
        {"dmSubscriptions": _of_kind("dm", counts), "groupSubscriptions": _of_kind("group", counts)}
    )


def _named_channels() -> list[str]:
    unknown = set(request.args) - {"channel", "cursor"}
    if unknown:
        raise Invalid(min(unknown), "There is no such parameter.")
    named = list(dict.fromkeys(request.args.getlist("channel")))
    if len(named) > MOST_CHANNELS:
        raise Invalid("channel", f"At most {MOST_CHANNELS} channels; name none to get all.")
    if not all(_CHANNEL.fullmatch(channel) for channel in named):
        raise Invalid("channel", "A channel is dm:<id> or group:<id>.")
    return named


def _register(hub: Hub, me: Identity, *, follows: bool) -> Subscriber:
    return hub.register(
        me.user_id,
        me.credential_id,
        follows=follows,
        wire=wire.from_environ(request.environ),
    )


def _open(hub: Hub, subscriber: Subscriber, named: list[str]) -> Response:
    try:
        keep_connection()
        shut_out.check()  # what came before the subscriber was registered has not reached it
        streams.attach(hub, subscriber, named)
        opening = streams.opening(subscriber, _last_seen())
    except BaseException:
        hub.remove(subscriber)
        raise
    # A stream holds no database connection while it is open.
    db.session.remove()
    pieces = subscriber.pieces(opening, current_delivery().catch_up)
    return _event_stream(Body(pieces, lambda: hub.remove(subscriber)))


def _event_stream(body: Iterable[bytes], kind: type[Response] = Answer) -> Response:
    """Return a stream's answer; the plain ``Response`` says how long a body of one piece is."""
    # Passed through as it is: what werkzeug would wrap around it costs 2 KB a stream.
    response = kind(body, mimetype="text/event-stream", direct_passthrough=True)
    response.headers["Cache-Control"] = "no-store"
    # Without it nginx holds back even the headers.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _last_seen() -> str | None:
    """Return the client's cursor: the header of a reconnecting EventSource, or the parameter."""
    return request.headers.get("Last-Event-ID") or request.args.get("cursor")


def _of_kind(kind: str, counts: dict[str, int]) -> dict[str, int]:
    return {
        channel.partition(":")[2]: count
        for channel, count in counts.items()
        if channel.startswith(f"{kind}:")
    }
