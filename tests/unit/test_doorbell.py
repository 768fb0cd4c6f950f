"""Ringing the doorbell of a Redis that never answers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from redis import Redis

from chatapp import create_app
from chatapp.realtime import doorbell as module
from tests.support.fake_client import settle
from tests.support.server import free_port
from tests.support.settings import settings_for


def test_a_signal_that_is_too_large_is_none() -> None:
    doorbell = module.Doorbell(Redis(), lambda _: None, {})
    for size in (10, module.MOST_BYTES):
        doorbell.send("signal", "dm:dm_1", b"x" * size)
    assert [len(message) < 100 for message in doorbell._outbox._taken_signals()] == [True]


def test_who_rings_does_not_even_ask_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.setblocking(False)
        app = create_app(
            settings_for(
                tmp_path,
                DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/chat",
                REDIS_URL=f"redis://127.0.0.1:{mute.getsockname()[1]}",
            )
        )
        delivery = app.extensions["chatapp"]
        delivery.ring(7)
        delivery.signal("dm:dm_1", b"typing")
        with pytest.raises(BlockingIOError):
            mute.accept()
        # The premise: it is this Redis that a greenlet of its own would tell.
        delivery.doorbell.start()
        settle()
        mute.accept()[0].close()
        delivery.doorbell.stop()
