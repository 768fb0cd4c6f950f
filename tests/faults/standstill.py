"""A client that stops reading, beside one that goes on."""

from __future__ import annotations

from tests.faults.conftest import Arena
from tests.support.listener import Listener
from tests.support.wait import until

#: What the server may hold for one client, with what is under way between two sockets.
MOST_BYTES = 256 * 1024 + 64 * 1024


def a_client_stops_reading(arena: Arena) -> tuple[Listener, Listener]:
    """Return one that stopped and one that goes on; more than the most was sent to both."""
    ann = arena.person()
    bob, carl = arena.person(), arena.person()
    group = arena.team.group(ann, bob, carl)
    stopped, other = arena.listen(bob, group, receive_buffer=4096), arena.listen(carl, group)
    stopped.pause()
    sender = arena.sender(ann, group, length=7000)
    while other.bytes < MOST_BYTES:
        last = sender.send()
        # The other one reads on as if nothing were.
        until(lambda last=last: last in other.shown, "the next message")  # type: ignore[misc]
    return stopped, other
