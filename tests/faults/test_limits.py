"""Too many streams: a clear answer to the one who wants more, and room again when some leave."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.wait import until

pytestmark = pytest.mark.delivery


def test_limits_are_told_and_who_reconnects_often_is_not_refused(data_dir: Path) -> None:
    with open_arena(data_dir, CHAT_STREAMS_PER_USER="2", CHAT_STREAMS="4") as arena:
        check_limits(arena)
        arena.leave()
        check_reconnects(arena)


def check_limits(arena: Arena) -> None:
    before = arena.footprint()
    ann, bob = arena.person(), arena.person()
    group = arena.team.group(ann, bob, arena.admin)
    arena.listen(ann, group)
    arena.listen(ann, group)
    refused = http.call(arena.port, "GET", "/api/sse", ann.token)
    assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    assert refused.headers["content-type"] == "application/problem+json"

    arena.listen(bob, group)
    arena.listen(bob, group)
    full = http.call(arena.port, "GET", "/api/sse", arena.admin.token)
    assert (full.status, full.headers["retry-after"]) == (503, "5")
    assert "no more streams" in full.json["detail"]

    arena.sender(ann, group).send()
    assert arena.verdict().is_clean
    for listener in arena.listeners[1:]:
        listener.stop()
    sender = arena.senders[0]
    # Who left is noticed at the second write: the first one draws the RST.
    until(lambda: sender.send() and arena.metric("chatapp_streams") == 1, "room again")
    arena.listeners = arena.listeners[:1]
    arena.listen(arena.admin, group)
    assert arena.verdict().is_clean
    arena.until_as_before(before)


def check_reconnects(arena: Arena) -> None:
    ann = arena.person()
    listener = arena.listen(ann)
    for connections in range(2, 12):
        # Nothing is written to those that were cut, so no write tells that they are.
        listener.cut()
        until(lambda n=connections: listener.connections == n, "being back")  # type: ignore[misc]
    assert listener.refusals == {}


def test_an_access_log_does_not_keep_streams_whose_clients_left(data_dir: Path) -> None:
    with open_arena(data_dir, GUNICORN_CMD_ARGS="--access-logfile -") as arena:
        before = arena.footprint()
        ann = arena.person()
        for _ in range(3):
            arena.listen(ann)
        arena.until_as_before(before)
        log = arena.server.log.read_text()
        assert len(re.findall(r'"GET /api/sse[? ]', log)) == 3
        assert "Traceback" not in log
