"""Too many streams: a clear answer to the one who wants more, and room again when some leave."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support import raw_http as http
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery


#: Of one person, and of all.
LIMITS = {"CHAT_STREAMS_PER_USER": "2", "CHAT_STREAMS": "4"}


def test_limits_are_told_and_who_reconnects_often_is_not_refused(data_dir: Path) -> None:
    with open_arena(data_dir, **LIMITS) as arena:
        check_limits(arena)
        arena.leave()
        assert refused_reconnects(arena) == {}


def without(
    data_dir: Path, tmp_path: Path, module: str, code: str
) -> AbstractContextManager[Arena]:
    """Start a server of these limits, with something taken away at the end of a module."""
    taken_away = sabotage(tmp_path / "a", f"chatapp.realtime.{module}", code)
    return open_arena(data_dir, **LIMITS, **taken_away)


@pytest.mark.long
def test_the_limit_of_one_person_matters(data_dir: Path, tmp_path: Path) -> None:
    endless = "Hub.per_owner = property(lambda self: 10**9, lambda self, limit: None)"
    with without(data_dir, tmp_path, "hub", endless) as arena:
        reach_the_limit_of(arena, ann := arena.person())
        with one_more(arena, ann) as answer:
            assert answer.status == 200
            assert arena.metric("chatapp_streams") == 3


@pytest.mark.long
def test_the_limit_of_all_matters(data_dir: Path, tmp_path: Path) -> None:
    endless = "Hub.most = property(lambda self: 10**9, lambda self, limit: None)"
    with without(data_dir, tmp_path, "hub", endless) as arena:
        reach_the_limit_of(arena, arena.person())
        reach_the_limit_of(arena, arena.person())
        with one_more(arena, arena.admin) as answer:
            assert answer.status == 200
            assert arena.metric("chatapp_streams") == 5


def test_who_hangs_up_with_a_request_on_its_way_makes_room(data_dir: Path) -> None:
    """As with TLS's own goodbye, something lies there that nobody reads."""
    with open_arena(data_dir, CHAT_STREAMS_PER_USER="1") as arena:
        ann = arena.person()
        for _ in range(3):
            with http.connect(arena.port) as sock:
                sock.sendall(http.request_bytes("GET", "/api/sse", ann.token))
                assert http.read_head(sock)[0] == 200
                sock.sendall(http.request_bytes("GET", "/api/me", ann.token))


@pytest.mark.long
def test_looking_whether_a_client_has_hung_up_matters(data_dir: Path, tmp_path: Path) -> None:
    blind = "Wire.is_gone = lambda self: False"
    with without(data_dir, tmp_path, "wire", blind) as arena:
        assert refused_reconnects(arena)[429] > 0


def test_who_may_open_few_files_holds_fewer_streams_and_says_so(data_dir: Path) -> None:
    """Else gunicorn would stop accepting at some point, and nobody would be answered."""
    server = Server(data_dir, CHAT_STREAMS_PER_USER="1000")
    server.open_files = 100
    with server, closing(Arena(server)) as arena:
        allowed = 45
        assert f"allows a process {allowed} streams, not the 10000" in server.output()
        ann = arena.person()
        group = arena.team.group(ann)
        for _ in range(allowed):
            arena.listen(ann, group)
        until(lambda: arena.metric("chatapp_streams") == allowed, "all of them")
        full = http.call(arena.port, "GET", "/api/sse", ann.token)
        assert (full.status, full.headers["retry-after"]) == (503, "5")
        arena.sender(ann, group).send()
        assert arena.verdict().is_clean


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}!!0\r\n\r\n", b'5\r\n{"a":'],
    ids=["size", "end", "cut"],
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_that_is_no_http_is_a_bad_request(arena: Arena, body: bytes, kind: str) -> None:
    ann = arena.person()
    with http.connect(arena.port) as sock:
        sock.sendall(
            b"POST /api/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: %b\r\nAuthorization: Bearer %b\r\n\r\n"
            % (kind.encode(), ann.token.encode())
            + body
        )
        sock.shutdown(socket.SHUT_WR)
        status, headers, _ = http.read_head(sock)
    assert status == 400
    assert headers["content-type"] == "application/problem+json"
    assert not arena.server.log_lines(event="request_failed")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"<script>alert(1)</script>\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", 400),
        (b"GET /" + 9_000 * b"x" + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + 10_000 * b"\xff" + b"\r\n\r\n", 431),
    ],
    ids=["no request", "no header", "long line", "long header"],
)
def test_what_is_no_http_is_a_problem_that_a_browser_shows_as_text(
    arena: Arena, request_: bytes, status: int
) -> None:
    with http.connect(arena.port) as sock:
        sock.sendall(request_)
        got, headers, rest = http.read_head(sock)
        while len(rest) < int(headers["content-length"]):
            rest += sock.recv(4096)
    assert got == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert json.loads(rest)["status"] == status


def check_limits(arena: Arena) -> None:
    before = arena.footprint()
    ann, bob = arena.person(), arena.person()
    group = arena.team.group(ann, bob, arena.admin)
    reach_the_limit_of(arena, ann, group)
    with one_more(arena, ann) as refused:
        assert (refused.status, refused.headers["retry-after"]) == (429, "30")
        assert refused.headers["content-type"] == "application/problem+json"

    reach_the_limit_of(arena, bob, group)
    with one_more(arena, arena.admin) as full:
        assert (full.status, full.headers["retry-after"]) == (503, "5")
        assert "no more streams" in full.json["detail"]
        assert arena.metric("chatapp_streams") == 4

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


def reach_the_limit_of(arena: Arena, person: Person, *conversations: str) -> None:
    """Open as many streams as one person may."""
    for _ in range(int(LIMITS["CHAT_STREAMS_PER_USER"])):
        arena.listen(person, *conversations)


@contextmanager
def one_more(arena: Arena, person: Person) -> Iterator[http.Answer]:
    """Ask for another stream; hand out the answer, of a stream only the beginning."""
    with http.connect(arena.port) as sock:
        sock.sendall(http.request_bytes("GET", "/api/sse", person.token))
        status, headers, body = http.read_head(sock)
        while status != 200 and (piece := sock.recv(65536)):
            body += piece
        yield http.Answer(status, headers, body)


def refused_reconnects(arena: Arena) -> Counter[int]:
    """Cut somebody's stream ten times; return what coming back was refused with, if ever."""
    listener = arena.listen(arena.person())
    for connections in range(2, 12):
        # Nothing is written to those that were cut, so no write tells that they are.
        listener.cut()
        until(lambda n=connections: listener.connections == n or listener.refusals, "an answer")  # type: ignore[misc]
    return listener.refusals


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
