"""Streams that look open and are dead: after a sleep, a jump of the clock, a frozen tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.page import connection, expect_texts, texts
from tests.browser.people import Conversation, Person
from tests.browser.renderer import pid_of, stopped
from tests.support.server import Server
from tests.support.stalling_proxy import StallingProxy

PASS = "name => dispatchEvent(new PageTransitionEvent(name, {persisted: true}))"
SignedIn = Callable[..., BrowserContext]


@pytest.fixture
def proxy(server: Server) -> Iterator[StallingProxy]:
    with StallingProxy(server.port) as proxy:
        yield proxy


def asleep(
    talk: Conversation, ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn
) -> Page:
    """A page by a clock of its own, whose stream looks open and has missed a message."""
    page = signed_in(ben, base_url=proxy.url).new_page()
    page.clock.install()
    page.goto(talk.path)
    connection(page, "live")
    page.clock.run_for(1000)  # so that what comes next shows that no proxy holds it back
    ada.say(talk, "before")
    expect_texts(page, ["before"])
    proxy.strand()
    ada.say(talk, "missed")
    return page


def expect_live(page: Page, talk: Conversation, ada: Person) -> None:
    expect_texts(page, ["before", "missed"])
    connection(page, "live")
    ada.say(talk, "after")
    expect_texts(page, ["before", "missed", "after"])


def test_dead_stream_is_noticed_within_two_heartbeats(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("dead stream", ben)
    page = asleep(talk, ada, ben, proxy, signed_in)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(35_000)
    assert [url for url in asked if "/api/sse" in url] == []
    assert texts(page) == ["before"]
    with page.expect_request("**/api/sse?**"):
        page.clock.run_for(11_000)  # two of 20 s, and what it takes to look
    expect_live(page, talk, ada)


def test_waking_from_a_night_of_sleep(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("slept", ben)
    page = asleep(talk, ada, ben, proxy, signed_in)
    page.clock.fast_forward("08:00:00")  # timers that are due run once, as after a sleep
    expect_live(page, talk, ada)


@pytest.mark.parametrize("hours", [3, -3])
def test_jump_of_the_clock(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, hours: int, faults: None
) -> None:
    talk = ada.group("clock", ben)
    page = asleep(talk, ada, ben, proxy, signed_in)
    page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
    page.clock.run_for(5000)
    expect_live(page, talk, ada)


def test_clock_that_is_set_back_while_nobody_looks(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("set back unseen", ben)
    page = asleep(talk, ada, ben, proxy, signed_in)
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.clock.set_system_time(datetime.now(UTC) - timedelta(hours=3))
    page.clock.run_for(60_000)
    expect_live(page, talk, ada)


@pytest.mark.parametrize(
    ("target", "event"),
    [("document", "visibilitychange"), ("document", "resume"), ("window", "pageshow")],
)
def test_looking_at_a_tab_again_makes_a_silent_stream_anew(
    ada: Person,
    ben: Person,
    proxy: StallingProxy,
    signed_in: SignedIn,
    target: str,
    event: str,
    faults: None,
) -> None:
    talk = ada.group("looked at", ben)
    page = asleep(talk, ada, ben, proxy, signed_in)
    page.clock.run_for(26_000)  # one heartbeat is overdue, two are not yet
    assert texts(page) == ["before"]
    page.evaluate(f"() => {target}.dispatchEvent(new Event('{event}'))")
    expect_live(page, talk, ada)


def test_tab_that_was_stopped_while_the_server_was_restarted(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("stopped", ben)
    page = signed_in(ben).new_page()
    page.goto(talk.path)
    connection(page, "live")
    ada.say(talk, "before")
    expect_texts(page, ["before"])
    with stopped(pid_of(page)):
        server.kill()
        server.start()
        ada.say(talk, "missed")
    expect_live(page, talk, ada)


def test_page_from_the_back_forward_cache_is_live(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("kept page", ben)
    page = signed_in(ben).new_page()
    page.goto(talk.path)
    connection(page, "live")
    ada.say(talk, "before")
    expect_texts(page, ["before"])
    # Chromium keeps no page that is `no-store`, as ours are; others may, and tell it like this.
    page.evaluate(PASS, "pagehide")
    ada.say(talk, "missed")
    assert texts(page) == ["before"]
    with page.expect_request("**/api/sse?**"):
        page.evaluate(PASS, "pageshow")
    expect_live(page, talk, ada)
