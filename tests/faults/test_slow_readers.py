"""A client that stops reading: bounded memory, others undisturbed, complete when it reads again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Arena, open_arena
from tests.support.listener import Listener
from tests.support.sabotage import sabotage
from tests.support.wait import until

pytestmark = pytest.mark.delivery

#: What the server may hold for one client, with what is under way between two sockets.
MOST_BYTES = 256 * 1024 + 64 * 1024
OVERFLOWS = "chatapp_overflows_total"


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


def test_a_client_that_stops_reading_is_bounded_and_then_catches_up(arena: Arena) -> None:
    before = arena.metric(OVERFLOWS)
    stopped, other = a_client_stops_reading(arena)
    # Its greenlet notes the overflow once the socket takes bytes again.
    stopped.resume()
    until(lambda: arena.metric(OVERFLOWS) > before or stopped.connections > 1, "the overflow")
    verdict = arena.verdict()
    assert verdict.is_clean, verdict
    assert (other.connections, other.told) == (1, {})


@pytest.mark.long
def test_the_bound_matters(data_dir: Path, tmp_path: Path) -> None:
    endless = sabotage(tmp_path / "a", "chatapp.realtime.subscriber", "QUEUE_BYTES = 10**9")
    with open_arena(data_dir, **endless) as arena:
        stopped, _ = a_client_stops_reading(arena)
        stopped.resume()
        arena.verdict()
        # It was all kept: nothing was ever dropped.
        assert arena.metric(OVERFLOWS) == 0
        assert stopped.connections == 1


@pytest.mark.long
def test_a_client_that_never_reads_again_is_dropped(own_arena: Arena) -> None:
    before = own_arena.footprint()
    stopped, other = a_client_stops_reading(own_arena)
    until(lambda: own_arena.metric("chatapp_streams") == 1, "the end of the stream")
    own_arena.listeners.remove(stopped)
    stopped.stop()
    assert own_arena.verdict().is_clean
    assert (other.connections, other.told) == (1, {})
    own_arena.until_as_before(before)
