"""The connection is cut in the middle of an event, at every byte of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.cutting_proxy import CuttingProxy
from tests.support.listener import Listener
from tests.support.sender import Sender
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


def test_a_replay_that_was_cut_is_never_applied_in_part(
    arena: Arena, proxy: CuttingProxy, ann: Person, dm: str, cursor: str
) -> None:
    sent = arena.sender(ann, dm).send()
    events_after_a_cut(proxy, ann, cursor, 1)
    # Less what the random number in `retry:` may shorten it by.
    length = proxy.passed - 3
    assert length > 400
    for cut in range(1, length + 1):
        listener = events_after_a_cut(proxy, ann, cursor, cut)
        assert (list(listener.shown), listener.faults) == ([sent], []), cut


#: Clients whose streams are cut in the same event, each at a byte of its own.
AT_ONCE = 25


def test_a_live_event_cut_anywhere_comes_again_whole(arena: Arena, ann: Person, dm: str) -> None:
    with ExitStack() as stack:
        proxies = [stack.enter_context(CuttingProxy(arena.port)) for _ in range(AT_ONCE)]
        clients = [Listener(proxy.port, ann, dm) for proxy in proxies]
        for client in clients:
            client.delay = 0
            arena.listeners.append(client.start())
        cut_at_every_byte(arena.sender(ann, dm), proxies, clients)


def cut_at_every_byte(sender: Sender, proxies: list[CuttingProxy], clients: list[Listener]) -> None:
    """Send and cut, until the event has been cut at each of its bytes and behind the last one."""
    # From the tenth on all are as long: their names have two digits.
    sent = [sender.send() for _ in range(10)]
    until(lambda: all(is_back(client, 1, sent) for client in clients), "live streams")
    passed = [proxy.passed for proxy in proxies]
    sent.append(sender.send())
    until(lambda: all(is_back(client, 1, sent) for client in clients), "the whole event")
    # The least: a ping may have come to some.
    length = min(proxy.passed - was for proxy, was in zip(proxies, passed, strict=True))
    assert length > 400
    for connections, first in enumerate(range(1, length + 1, AT_ONCE), start=2):
        for number, proxy in enumerate(proxies, start=first):
            proxy.left = min(number, length)
        sent.append(sender.send())
        until(lambda n=connections: all(is_back(one, n, sent) for one in clients), f"all: {first}")  # type: ignore[misc]
        assert [client.faults for client in clients] == [[]] * AT_ONCE, first
    assert {proxy.cuts for proxy in proxies} == {connections - 1}


def is_back(client: Listener, connections: int, sent: list[str]) -> bool:
    """Whether it shows all that was sent, on its so manieth stream."""
    shows_all = list(client.shown) == sent
    return shows_all and client.is_live and client.connections == connections


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
