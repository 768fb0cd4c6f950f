"""Closing a listening socket: whoever has come is served, nobody is reset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from chatapp.listener import Listener

CLIENTS = 20


def answer(listener: Any, client: Any, _address: Any) -> None:
    """Serve as gunicorn does: it asks the listener for its name, and lets others run."""
    assert listener.getsockname()[1] > 0
    with client:
        data = client.recv(100)
        gevent.sleep(0)
        client.sendall(b"answer to " + data)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that listens, and that nobody accepts from yet."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(CLIENTS)
        yield sock


def outcomes(listener: Any) -> list[bytes | str]:
    """Let clients come and send, close, and return what each of them gets."""
    address = listener.getsockname()
    server = StreamServer(listener, handle=lambda *given: answer(listener, *given))
    server.max_accept = 1
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.sendall(b"%d" % number)
        server.start()
        server.close()
        with gevent.Timeout(20):
            found = [received(client) for client in clients]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
    return found


def received(client: socket.socket) -> bytes | str:
    try:
        return bytes(client.recv(100))
    except ConnectionResetError:
        return "reset"


def test_whoever_has_come_is_served_before_it_is_closed(listening: socket.socket) -> None:
    expected = [b"answer to %d" % number for number in range(CLIENTS)]
    assert outcomes(Listener(listening, answer)) == expected


def test_an_ordinary_one_resets_them(listening: socket.socket) -> None:
    assert set(outcomes(listening)) == {"reset"}


def test_it_may_be_closed_again(listening: socket.socket) -> None:
    listener = Listener(listening, answer)
    listener.close()
    listener.close()
    assert listener.fileno() == -1
