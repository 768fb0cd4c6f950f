"""What the process counts about itself, for Prometheus at ``/metrics``.

HTTP access logs are no measure of streams: their line comes when a stream ends, hours later.
docs/OPERATING.md explains each of these.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from chatapp import identity, shared_metrics
from chatapp.domain.errors import NotFound

bp = Blueprint("metrics", __name__)

#: Seconds; from what a direct write takes to what a person takes for broken.
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One process's metrics; ``app.extensions["chatapp.metrics"]``."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.streams = Gauge(
            "chatapp_streams",
            "Streams that are open.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.deliveries = Counter(
            "chatapp_deliveries",
            "Events handed to a subscriber, written at once or queued.",
            ["path"],
            registry=registry,
        )
        # Looking a label up costs as much as counting.
        self._direct = self.deliveries.labels("direct")
        self._queued = self.deliveries.labels("queued")
        self.overflows = Counter(
            "chatapp_overflows",
            "Pieces of the log that subscribers which were too slow were handed.",
            registry=registry,
        )
        self.replays = Histogram(
            "chatapp_replay_events",
            "Events that a stream had missed, on opening and before each piece.",
            buckets=(0, 1, 10, 100, 1000),
            registry=registry,
        )
        self.resets = Counter(
            "chatapp_resets", "Cursors that could not be served.", ["reason"], registry=registry
        )
        self.delivery_lag = Histogram(
            "chatapp_delivery_lag_seconds",
            "From a commit in this process to the last subscriber's write.",
            buckets=BUCKETS,
            registry=registry,
        )
        self.loop_lag = Histogram(
            "chatapp_loop_lag_seconds",
            "How late the event loop came to a timer.",
            buckets=BUCKETS,
            registry=registry,
        )
        self.posts = Histogram(
            "chatapp_post_seconds",
            "What it takes to post a message, from its text to its commit.",
            buckets=BUCKETS,
            registry=registry,
        )

    def observe(self, event: str, **fields: Any) -> None:
        """Take in what the hub tells (see ``chatapp.realtime.hub.Observer``)."""
        match event:
            case "broadcast":
                self._direct.inc(fields["direct"])
                self._queued.inc(fields["queued"])
            case "client_connected":
                self.streams.inc()
            case "client_disconnected":
                self.streams.dec()


@bp.get("/metrics")
def metrics() -> Response:
    """Return the metrics to this machine's own scraper, or to an administrator's token."""
    if not _is_local() and not _is_admin():
        raise NotFound
    shared = shared_metrics.are_shared()
    registry = shared_metrics.of_all() if shared else current_metrics().registry
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def current_metrics() -> Metrics:
    """Return the metrics of the current app."""
    found: Metrics = current_app.extensions["chatapp.metrics"]
    return found


def init_app(app: Flask) -> None:
    """Give the app its metrics."""
    app.extensions["chatapp.metrics"] = Metrics()
    app.register_blueprint(bp)


def _is_local() -> bool:
    """Whether nobody but this machine asks: a proxy in front of us says that it forwards."""
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104


def _is_admin() -> bool:
    me = identity.optional()
    return me is not None and me.is_admin
