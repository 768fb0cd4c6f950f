"""What an open stream holds of a real server while nothing happens: a greenlet and a socket."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.faults.conftest import Arena
from tests.support.oracle import open_files, sockets_of
from tests.support.probe import Held, held
from tests.support.wait import until

pytestmark = pytest.mark.delivery

STREAMS = 50


class Look(NamedTuple):
    """What the worker holds."""

    held: Held
    sockets: int
    #: Descriptors of the database and of what SQLite keeps beside it.
    database: int


def look(arena: Arena) -> Look:
    found = held(arena.port)
    assert found is not None
    files = open_files(arena.worker)
    database = [path for path in files if path.startswith(str(arena.database))]
    return Look(found, len(sockets_of(arena.worker)), len(database))


def test_fifty_idle_streams_hold_no_connection_and_no_context(arena: Arena) -> None:
    ann = arena.person()
    group = arena.team.group(ann)
    arena.listen(ann, group)
    sender = arena.sender(ann, group)
    sender.send()
    one = look(arena)
    assert one.database, "the premise: the database's descriptors are found"
    for _ in range(STREAMS - 1):
        arena.listen(ann, group)
    check(one, look(arena))
    # Nor after something has come.
    last = sender.send()
    until(lambda: all(last in listener.shown for listener in arena.listeners), "the message")
    check(one, look(arena))
    assert arena.metric("chatapp_streams") == STREAMS
    assert arena.verdict().is_clean


def check(one: Look, many: Look) -> None:
    """Check that many streams hold what one does, but for their greenlets and sockets."""
    greenlets = one.held.greenlets + STREAMS - 1
    assert many.held == one.held._replace(greenlets=greenlets, connections=0)
    assert many.sockets == one.sockets + STREAMS - 1
    assert many.database <= one.database
