"""TLS in gunicorn, without a proxy in front: no byte goes past it, and it is as bounded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from gevent import socket
from gevent.ssl import SSLSocket

from chatapp.domain import tokens
from tests.support import raw_http as http
from tests.support.certificates import Certificate, make_certificate
from tests.support.event_stream import EventStream
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.tcp import ESTABLISHED, connections
from tests.support.team import Person, Team
from tests.support.tls import connect, streams, tls_server
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.sqlite]

#: A kernel that gives nobody up, so that what ends a stream is the program.
PATIENT = "PEER_TIMEOUT = 600_000"


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def server(
    request: pytest.FixtureRequest, data_dir: Path, tmp_path: Path, certificate: Certificate
) -> Iterator[Server]:
    """A server of its own for each test; its parameter is code for chatapp.realtime.wire."""
    code: str = getattr(request, "param", "")
    changed = sabotage(tmp_path / "changed", "chatapp.realtime.wire", code)
    with tls_server(data_dir, certificate, **changed) as running:
        yield running


def say(server: Server, certificate: Certificate, person: Person, dm: str, text: str) -> None:
    body = {"directMessageId": dm, "content": text}
    with connect(server.port, certificate.path) as sock:
        sock.sendall(http.request_bytes("POST", "/api/messages", person.token, body))
        assert http.read_head(sock)[0] == 201


@pytest.fixture
def idler(
    server: Server, certificate: Certificate, ann: Person, bob: Person, dm: str
) -> Iterator[SSLSocket]:
    """The connection on which bob opens a stream and reads nothing of all that ann says."""
    with connect(server.port, certificate.path, receive_buffer=4096) as sock:
        sock.sendall(http.request_bytes("GET", "/api/sse", bob.token))
        assert http.read_head(sock)[0] == 200
        for _ in range(60):
            say(server, certificate, ann, dm, "word " * 1500)
        yield sock
        # The server broke it off; a close of our own would be told apart by nobody.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_stream_over_tls_brings_messages_in_order_and_says_goodbye(
    server: Server, certificate: Certificate, ann: Person, bob: Person, dm: str
) -> None:
    with connect(server.port, certificate.path) as sock:
        sock.sendall(http.request_bytes("GET", "/api/sse", bob.token))
        status, _, data = http.read_head(sock)
        assert status == 200
        for number in range(5):
            say(server, certificate, ann, dm, str(number))
        while b'"content":"4"' not in data:
            data += sock.recv(65536)
        server.stop()
        while piece := sock.recv(65536):
            data += piece
    parser = EventStream()
    events = [event for event in parser.feed(unchunked(data)) if event.type != "presence"]
    assert [event.type for event in events] == ["ready", *["message"] * 5, "reconnect"]
    assert [event.json["content"] for event in events[1:6]] == ["0", "1", "2", "3", "4"]


def test_who_says_goodbye_over_tls_is_gone(
    server: Server, certificate: Certificate, bob: Person
) -> None:
    """By close_notify, as most clients do: who reconnects often must not be refused for it."""
    for _ in range(25):  # 20 streams are allowed
        with connect(server.port, certificate.path) as sock:
            sock.sendall(http.request_bytes("GET", "/api/sse", bob.token))
            assert http.read_head(sock)[0] == 200
            sock.settimeout(0)
            with suppress(OSError):
                sock.unwrap()


@pytest.mark.usefixtures("idler")
def test_a_client_over_tls_that_never_reads_is_dropped(
    server: Server, certificate: Certificate
) -> None:
    until(lambda: streams(server.port, certificate.path) == 0, "the end of the stream")


@pytest.mark.parametrize("server", [PATIENT], indirect=True)
def test_a_client_over_tls_that_may_read_no_more_and_never_does_is_cut_off(
    server: Server, idler: SSLSocket, team: Team, bob: Person
) -> None:
    def is_open() -> bool:
        ends = [each for each in connections(server.port) if each.there == idler.getsockname()]
        return any(end.state == ESTABLISHED for end in ends)

    assert is_open()
    with team._app.app_context():
        tokens.revoke(bob.identity, bob.identity.credential_id)
    until(lambda: not is_open(), "the end of the connection")


def unchunked(data: bytes) -> bytes:
    """Return a body without the lines that HTTP cut it by."""
    body = b""
    while data:
        length, _, rest = data.partition(b"\r\n")
        size = int(length, 16)
        body, data = body + rest[:size], rest[size + 2 :]
    return body
