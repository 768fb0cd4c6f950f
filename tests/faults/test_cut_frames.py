"""The connection is cut in the middle of an event, at every byte of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.cutting_proxy import CuttingProxy
from tests.support.listener import Listener
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery


@pytest.fixture
def proxy(arena: Arena) -> Iterator[CuttingProxy]:
    with CuttingProxy(arena.port) as proxy:
        yield proxy


@pytest.fixture
def ann(arena: Arena) -> Person:
    return arena.person()


@pytest.fixture
def dm(arena: Arena, ann: Person) -> str:
    return arena.team.dm(ann, arena.person())


@pytest.fixture
def cursor(arena: Arena, ann: Person, dm: str) -> str:
    """Where a client stood before the events that it will be cut in."""
    return http.call(arena.port, "GET", "/api/conversations", ann.token).headers["chat-cursor"]


def events_after_a_cut(proxy: CuttingProxy, person: Person, cursor: str, cut: int) -> Listener:
    """Cut a client's first answer, let it come back by itself, and wait until it is live."""
    listener = Listener(proxy.port, person)
    listener.cursor, listener.delay = cursor, 0
    proxy.left = cut
    listener.start()
    until(lambda: proxy.left is None and listener.is_live, "a live stream after the cut")
    listener.stop()
    return listener


#: Between two cuts: a prime, so that no boundary is always missed; every byte takes a while.
STEPS = [pytest.param(13, id="quick"), pytest.param(1, id="every", marks=pytest.mark.long)]


@pytest.mark.parametrize("step", STEPS)
def test_a_replay_that_was_cut_is_never_applied_in_part(
    arena: Arena, proxy: CuttingProxy, ann: Person, dm: str, cursor: str, step: int
) -> None:
    sent = arena.sender(ann, dm).send()
    events_after_a_cut(proxy, ann, cursor, 1)
    # Less what the random number in `retry:` may shorten it by.
    length = proxy.passed - 3
    assert length > 400
    for cut in range(1, length, step):
        listener = events_after_a_cut(proxy, ann, cursor, cut)
        assert (list(listener.shown), listener.faults) == ([sent], []), cut


@pytest.mark.parametrize("step", STEPS)
def test_a_live_event_cut_anywhere_comes_again_whole(
    arena: Arena, proxy: CuttingProxy, ann: Person, dm: str, step: int
) -> None:
    sender = arena.sender(ann, dm)
    listener = Listener(proxy.port, ann, dm).start()
    sent: list[str] = []
    for cut in range(1, 400, step):
        until(lambda: listener.is_live, "a live stream")
        cuts = proxy.cuts
        proxy.left = cut
        sent.append(sender.send())
        until(lambda: sent[-1] in listener.shown, "the message")
        assert proxy.cuts == cuts + 1
        assert (list(listener.shown), listener.faults) == (sent, [])
    assert listener.connections == len(sent) + 1
    listener.stop()


def test_the_last_event_id_matters(
    arena: Arena, proxy: CuttingProxy, ann: Person, dm: str, cursor: str
) -> None:
    arena.sender(ann, dm).send()
    forgetful = Listener(proxy.port, ann)
    proxy.left = 20
    forgetful.start()
    until(lambda: proxy.left is None and forgetful.is_live, "a live stream after the cut")
    forgetful.stop()
    assert list(forgetful.shown) == []
