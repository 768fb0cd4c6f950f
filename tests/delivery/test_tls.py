"""TLS in gunicorn, without a proxy in front: no byte goes past it, and it is as bounded."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from gevent import socket
from gevent.ssl import SSLContext, SSLSocket

from tests.support import raw_http as http
from tests.support.certificates import Certificate, make_certificate
from tests.support.event_stream import EventStream
from tests.support.server import Server
from tests.support.team import Person
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.sqlite]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture
def server(data_dir: Path, certificate: Certificate) -> Iterator[Server]:
    arguments = f"--certfile {certificate.path} --keyfile {certificate.key}"
    running = Server(data_dir, GUNICORN_CMD_ARGS=arguments)
    running.url = f"https://127.0.0.1:{running.port}"
    with running:
        yield running


def connect(server: Server, certificate: Certificate, receive_buffer: int = 0) -> SSLSocket:
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate.path)
    sock = http.connect(server.port, receive_buffer=receive_buffer)
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def say(server: Server, certificate: Certificate, person: Person, dm: str, text: str) -> None:
    body = {"directMessageId": dm, "content": text}
    with connect(server, certificate) as sock:
        sock.sendall(http.request_bytes("POST", "/api/messages", person.token, body))
        assert http.read_head(sock)[0] == 201


def streams(server: Server, certificate: Certificate) -> str:
    with connect(server, certificate) as sock:
        sock.sendall(http.request_bytes("GET", "/metrics", None))
        data = b""
        while piece := sock.recv(65536):
            data += piece
    return data.decode().partition("\nchatapp_streams ")[2].partition("\n")[0]


def test_a_stream_over_tls_brings_messages_in_order_and_says_goodbye(
    server: Server, certificate: Certificate, ann: Person, bob: Person, dm: str
) -> None:
    with connect(server, certificate) as sock:
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


def test_a_client_over_tls_that_never_reads_is_dropped(
    server: Server, certificate: Certificate, ann: Person, bob: Person, dm: str
) -> None:
    with connect(server, certificate, receive_buffer=4096) as sock:
        sock.sendall(http.request_bytes("GET", "/api/sse", bob.token))
        assert http.read_head(sock)[0] == 200
        for _ in range(60):
            say(server, certificate, ann, dm, "word " * 1500)
        until(lambda: streams(server, certificate) == "0.0", "the end of the stream")
        # The server broke it off; a close of our own would be told apart by nobody.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def unchunked(data: bytes) -> bytes:
    """Return a body without the lines that HTTP cut it by."""
    body = b""
    while data:
        length, _, rest = data.partition(b"\r\n")
        size = int(length, 16)
        body, data = body + rest[:size], rest[size + 2 :]
    return body
