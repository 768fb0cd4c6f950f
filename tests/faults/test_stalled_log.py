"""Whoever reads the log stalls: the chat goes on, and the lines come when it reads again."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Arena
from tests.support.server import Server
from tests.support.wait import until

pytestmark = pytest.mark.delivery

#: Bytes that the pipe holds: the kernel's least, and a few of our lines.
ROOM = 4096
COMINGS = 40


def test_a_stalled_reader_of_the_log_stops_nothing_and_misses_nothing(data_dir: Path) -> None:
    server = Server(data_dir, CHAT_STREAMS_PER_USER="1000")
    os.mkfifo(server.log)
    pipe = os.open(server.log, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)
    with server, closing(Arena(server)) as arena:
        ann = arena.person()
        group = arena.team.group(ann)
        arena.sender(ann, group)
        for _ in range(COMINGS):
            arena.listen(ann, group)
            arena.senders[0].send()
        assert len(arena.senders[0].acknowledged) == COMINGS
        assert arena.verdict().is_clean
        lines = _read(pipe, '"client_connected"', COMINGS)
        times = [line["time"] for line in lines if line["logger"] == "chatapp.delivery"]
        assert times == sorted(times)
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1024 * 1024)  # nobody reads what it says at the end
    os.close(pipe)


def _read(pipe: int, wanted: str, times: int) -> list[dict[str, Any]]:
    """Read until something was said so many times; return the whole lines of JSON."""
    text = ""

    def has_come() -> bool:
        nonlocal text
        with suppress(BlockingIOError):
            text += os.read(pipe, ROOM).decode()
        return text.count(wanted) == times

    until(has_come, f"{times} times {wanted}")
    return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")]
