"""The wire on real sockets: what the kernel takes, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket

from chatapp.realtime.wire import Wire, from_environ


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def test_what_is_sent_arrives(pair: Pair) -> None:
    wire = Wire(pair[0], chunked=True)
    assert wire.try_send(b"hello") == 5
    assert pair[1].recv(100) == b"hello"


def test_a_full_socket_takes_a_part_then_nothing_and_never_waits(pair: Pair) -> None:
    wire = Wire(pair[0], chunked=True)
    large = b"x" * 10_000_000
    sent = wire.try_send(large)
    assert 0 < sent < len(large)
    while more := wire.try_send(large):
        sent += more
    assert wire.try_send(b"y") == 0
    assert len(_read(pair[1], sent)) == sent
    assert wire.try_send(b"y") == 1


def test_send_all_lets_others_run_while_the_client_reads(pair: Pair) -> None:
    wire = Wire(pair[0], chunked=True)
    large = b"x" * 3_000_000
    sender = gevent.spawn(wire.send_all, large)
    gevent.idle()
    assert not sender.dead
    assert _read(pair[1], len(large)) == large
    sender.get(timeout=20)


def test_a_client_that_has_gone_is_an_error(pair: Pair) -> None:
    wire = Wire(pair[0], chunked=True)
    pair[1].close()
    with pytest.raises(OSError, match="pipe"):
        wire.try_send(b"x")


def test_who_hangs_up_is_gone_whatever_they_said_last(pair: Pair) -> None:
    """Another request, or TLS's own goodbye (close_notify), which nobody reads."""
    wire = Wire(pair[0], chunked=True)
    assert not wire.is_gone()
    pair[1].sendall(b"said last")
    assert not wire.is_gone()
    pair[1].close()
    assert wire.is_gone()
    pair[0].close()
    assert wire.is_gone()


def test_aborting_ends_the_wait_for_a_client_that_does_not_read(pair: Pair) -> None:
    wire = Wire(pair[0], chunked=True)
    sender = gevent.spawn(_fails, wire)
    gevent.idle()
    assert not sender.dead
    wire.abort()
    wire.abort()
    assert sender.get(timeout=20)


def test_a_vanished_peer_is_noticed_by_the_kernel() -> None:
    with socket.socket() as sock:
        from_environ({"gunicorn.socket": sock, "SERVER_PROTOCOL": "HTTP/1.1"})
        timeout = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    # A laptop that went to sleep takes no byte: Linux alone would try for 15 minutes.
    assert 0 < timeout <= 10_000


def test_a_kernel_that_gives_nobody_up_of_itself_serves_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("socket.TCP_USER_TIMEOUT")  # as on macOS
    with socket.socket() as sock:
        assert from_environ({"gunicorn.socket": sock, "SERVER_PROTOCOL": "HTTP/1.1"}) is not None


def test_a_wire_is_taken_from_gunicorns_gevent_worker_alone(pair: Pair) -> None:
    environ = {"gunicorn.socket": pair[0], "SERVER_PROTOCOL": "HTTP/1.1"}
    wire = from_environ(environ)
    assert wire is not None
    assert wire.chunked
    assert not wire.is_sealed
    old = from_environ({**environ, "SERVER_PROTOCOL": "HTTP/1.0"})
    assert old is not None
    assert not old.chunked
    assert from_environ({**environ, "SERVER_PROTOCOL": "HTTP/2"}) is None
    assert from_environ({**environ, "gunicorn.socket": object()}) is None
    assert from_environ({"SERVER_PROTOCOL": "HTTP/1.1"}) is None


def _fails(wire: Wire) -> bool:
    try:
        wire.send_all(b"x" * 10_000_000)
    except OSError:
        return True
    return False


def _read(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        data += sock.recv(1_000_000)
    return bytes(data)
