"""All rows: those with a budget, how cost grows with streams, pages, and the poll."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import load, poll, raw_inserts, slow
from benchmarks.lag import with_lag
from benchmarks.ours import ours
from benchmarks.peers import server as peers
from benchmarks.row import Contestant, Line, Row, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.load import Result, Server

STREAMING = {
    "flask": peers.flask_queue,
    "starlette": peers.starlette,
    "nchan": peers.nchan,
    "c": peers.send_loop,
    "ours": ours,
}
#: Ours, asked for what a page asks for: everything that somebody in 30 conversations has missed.
PAGE = partial(ours, conversations=30)
#: What must be nought; shown so that nobody has to believe it.
FAULTS = ("lost", "doubled", "reordered", "resets", "dropped", "refused", "broken", "failed")


def _with_faults(result: Result) -> Result:
    return {**result, "faults": sum(result.get(name, 0) for name in FAULTS)}


def _fanout(streams: int, rate: float, server: Server, quick: bool) -> Result:
    seconds = 4 if quick else 15
    return _with_faults(
        load.run("fanout", server, streams=streams, rate=rate, seconds=seconds, connections=8)
    )


def _burst(server: Server, _quick: bool) -> Result:
    return _with_faults(load.run("fanout", server, streams=500, burst=200, connections=16))


def _idle(server: Server, quick: bool, streams: int = 2000) -> Result:
    return load.run("idle", server, streams=streams, seconds=5 if quick else 60)


def _opens(server: Server, quick: bool) -> Result:
    return load.run("opens", server, streams=1000 if quick else 3000, seconds=60)


def _posts(server: Server, quick: bool) -> Result:
    seconds = 3 if quick else 10
    return load.run("requests", server, path=server.post, connections=16, seconds=seconds)


def _pages(server: Server, quick: bool) -> Result:
    seconds = 2 if quick else 5
    options = {"path": server.page, "method": "GET", "connections": 1, "seconds": seconds}
    return load.run("requests", server, **options)


def _raw_inserts(folder: Path, quick: bool) -> Result:
    return raw_inserts.measure(folder, 2 if quick else 5)


def _poll(server: Server, quick: bool) -> Result:
    return poll.measure(server, 8 if quick else 60)


def _pushed(server: Server, quick: bool) -> Result:
    options = {"streams": 1, "rate": 2, "seconds": 8 if quick else 60}
    result = load.run("fanout", server, **options)
    return {**result, "requests_per_hour": result["opened"]}


def _streaming(measure: Callable[[Server, bool], Result]) -> dict[str, Contestant]:
    return {name: served(start, measure) for name, start in STREAMING.items()}


def _growth(streams: int, rate: float) -> Row:
    title = f"{streams:,} streams × {rate:g} msg/s"
    lines = (
        Line(f"{title}: server CPU a delivery, µs", "cpu_us_per_delivery"),
        Line(f"{title}: POST to receipt p99, ms", "latency_ms.p99"),
        Line(f"{title}: faults", "faults", 0),
    )
    contestants = _streaming(partial(_fanout, streams, rate))
    return Row(f"fanout-{streams}", contestants, lines, repeated=False)


def _page_row(name: str, messages: int) -> Row:
    contestants = {
        "flask": served(partial(peers.naive, messages=messages), _pages),
        "ours": served(partial(ours, messages=messages), _pages),
    }
    title = f"GET 50 of {messages:,} messages (first: naive ORM)"
    lines = (
        Line(f"{title}: p50, ms", "request_ms.p50", 2),
        Line(f"{title}: p99, ms", "request_ms.p99", 2),
    )
    return Row(name, contestants, lines)


ROWS = (
    Row(
        "fanout",
        _streaming(partial(_fanout, 500, 20)),
        (
            Line("500 streams × 20 msg/s: server CPU a delivery, µs", "cpu_us_per_delivery"),
            Line("500 × 20: POST to receipt p50, ms", "latency_ms.p50"),
            Line("500 × 20: POST to receipt p90, ms", "latency_ms.p90"),
            Line("500 × 20: POST to receipt p99, ms", "latency_ms.p99"),
            Line("500 × 20: POST to receipt max, ms", "latency_ms.max"),
            Line("500 × 20: bytes a delivery", "bytes_per_delivery", 0),
            Line("500 × 20: faults", "faults", 0),
        ),
    ),
    _growth(100, 20),
    _growth(1000, 10),
    _growth(5000, 2),
    Row(
        "burst",
        _streaming(_burst),
        (
            Line("200 messages at once to 500 streams: deliveries/s", "deliveries_per_second", 0),
            Line("burst: faults", "faults", 0),
        ),
    ),
    Row(
        "idle",
        _streaming(_idle),
        (
            Line("memory an idle stream (PSS), KB", "pss_kb_per_stream"),
            Line("idle stream: bytes a minute", "bytes_per_stream_minute", 0),
            Line("2,000 idle streams: server CPU a minute, ms", "cpu_ms_per_minute", 0),
        ),
        repeated=False,
    ),
    Row(
        "idle-10k",
        {"ours": served(PAGE, partial(_idle, streams=10_000))},
        (
            Line("10,000 idle pages' streams: memory each (PSS), KB", "pss_kb_per_stream"),
            Line("10,000 idle pages' streams: server CPU a minute, ms", "cpu_ms_per_minute", 0),
        ),
        repeated=False,
    ),
    Row(
        "opens",
        _streaming(_opens),
        (
            Line("streams opened a second (ours authenticates)", "opened_per_second", 0),
            Line("opening: refused or failed", "failed", 0),
        ),
    ),
    Row(
        "pages-streams",
        {"ours": served(PAGE, _idle)},
        (
            Line("a page's stream, 30 conversations, 5 missed: memory, KB", "pss_kb_per_stream"),
            Line("2,000 of them, idle: server CPU a minute, ms", "cpu_ms_per_minute", 0),
        ),
        repeated=False,
    ),
    Row(
        "pages-opens",
        {"ours": served(PAGE, _opens)},
        (
            Line(
                "pages' streams opened a second (30 conversations, 5 missed)",
                "opened_per_second",
                0,
            ),
            Line("opening pages' streams: refused or failed", "failed", 0),
        ),
    ),
    Row(
        "posts",
        {
            "flask": served(partial(peers.naive, messages=0), _posts),
            "c": _raw_inserts,
            "ours": served(ours, partial(with_lag, _posts)),
        },
        (
            Line(
                "durable POSTs a second (first: naive ORM; C: raw inserts)",
                "requests_per_second",
                0,
            ),
            Line("POST p50, ms", "request_ms.p50"),
            Line("POST p99, ms", "request_ms.p99"),
            Line("POST: the event loop late by, at most, ms", "loop_lag_ms", 0),
            Line("POST: refused", "refused", 0),
        ),
    ),
    _page_row("pages-1k", 1000),
    _page_row("pages-1m", 1_000_000),
    slow.ROW,
    Row(
        "poll",
        {"flask": served(ours, _poll), "ours": served(ours, _pushed)},
        (
            Line("send to seen, mean, ms (first: ours, polled every 2 s)", "latency_ms.mean"),
            Line("send to seen, max, ms", "latency_ms.max"),
            Line("requests an hour of one who waits (ours: the stream)", "requests_per_hour", 0),
        ),
        repeated=False,
    ),
)
