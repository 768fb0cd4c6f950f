"""What waits to be sent goes out from whichever page is open, each message once, in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import live_tab, wait_live
from tests.browser.page import (
    NOTHING_WAITS,
    composer,
    expect_texts,
    held,
    leave_waiting,
    message,
    send,
    texts,
    until_held,
)
from tests.browser.people import Person
from tests.browser.renderer import pid_of, stopped

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]

#: Whether so many messages are left to be sent.
WAITING = """count =>
    Object.keys(localStorage).filter((key) => key.includes(':out:')).length === count"""
WANTED = ["left behind 1", "left behind 2", "left behind 3"]


@pytest.mark.parametrize("path", ["/conversations", "/profile", "/people", "another conversation"])
def test_what_waits_goes_out_from_any_page(
    ada: Person, ben: Person, signed_in: SignedIn, path: str, faults: None
) -> None:
    talk, other = ada.group("left behind", ben), ada.group("gone on to", ben)
    context = signed_in(ben)
    context.route("**/api/messages", lambda route: route.abort())
    page = live_tab(context, talk.path)
    for text in WANTED:
        send(page, text)
    expect(message(page, WANTED[0]).locator(".failure")).to_contain_text("goes out by itself")
    context.unroute("**/api/messages")
    page.goto(other.path if path == "another conversation" else path)
    page.wait_for_function(NOTHING_WAITS)
    assert ben.hear(talk) == WANTED


def test_what_a_closed_tab_left_is_sent_from_another_after_a_while(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk, other = ada.group("tab closed", ben), ada.group("tab stays", ben)
    context = signed_in(ben)
    stays = context.new_page()
    stays.clock.install()
    stays.goto(other.path)
    wait_live(stays)
    closes = live_tab(context, talk.path)
    context.route("**/api/messages", lambda route: route.abort())
    for text in WANTED:
        send(closes, text)
    expect(message(closes, WANTED[0]).locator(".failure")).to_be_visible()
    stays.wait_for_function(WAITING, arg=len(WANTED), polling=50)  # they come from another process
    closes.close()
    assert ben.hear(talk) == []
    context.unroute("**/api/messages")
    # Longer than the wait between two tries: on a slow machine it may have tried already.
    stays.clock.run_for(40_000)
    stays.wait_for_function(NOTHING_WAITS, polling=50)
    assert ben.hear(talk) == WANTED


def test_two_tabs_send_what_waits_once_and_in_order(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("two senders", ben)
    context = signed_in(ben)
    posts = held(context, "**/api/messages")
    first, second = live_tab(context, talk.path), live_tab(context, talk.path)
    send(first, WANTED[0])
    send(second, WANTED[1])
    send(first, WANTED[2])
    for tab in (first, second):
        expect(tab.locator(".message.pending")).to_have_count(3)
    turns: list[Route] = []
    for _ in WANTED:
        until_held(first, posts, len(turns) + 1)
        turns.append(posts[-1])
        assert len(posts) == len(turns)  # the others wait until it is there
        turns[-1].continue_()
    for tab in (first, second):
        expect_texts(tab, WANTED)
    assert ben.hear(talk) == WANTED


def test_what_waits_goes_out_in_order_though_the_clock_is_set_back(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("set back", ben)
    context = signed_in(ben)
    page = context.new_page()
    page.clock.install()
    page.goto(talk.path)
    wait_live(page)
    context.route("**/api/messages", lambda route: route.abort())
    for hours, text in zip((0, -3, -2), WANTED, strict=True):
        page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
        send(page, text)
    expect(message(page, WANTED[0]).locator(".failure")).to_be_visible()
    context.unroute("**/api/messages")
    page.clock.run_for(40_000)
    expect_texts(page, WANTED)
    assert ben.hear(talk) == WANTED


def test_what_was_sent_before_its_tab_was_heard_does_not_wait_for_ever(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    """Storage events and the leader's news travel on two ways: here the first comes last."""
    talk = ada.group("two ways", ben)
    context = signed_in(ben)
    first, second = live_tab(context, talk.path), live_tab(context, talk.path)
    second.evaluate(
        """() => window.addEventListener('storage', (event) => {
            if (!event.isTrusted || !event.key?.includes(':out:')) return;
            event.stopImmediatePropagation();
            if (event.newValue) window.late = event;
        }, {capture: true})"""
    )
    send(first, "overtakes")
    expect_texts(second, ["overtakes"])
    second.wait_for_function("() => window.late", polling=50)
    second.evaluate(
        """() => {
            const {key, newValue} = window.late;
            dispatchEvent(new StorageEvent('storage', {key, newValue}));
        }"""
    )
    expect_texts(second, ["overtakes"])


def test_message_refused_for_good_holds_up_no_other(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("archived under way", ben)
    other = ada.group("goes on", ben)
    page = open_tab(ben, talk.path)

    def archive_before(route: Route) -> None:
        ada.call("PATCH", f"/api/groups/{talk.id}", {"archived": True})
        route.continue_()

    page.route("**/api/messages", archive_before, times=1)
    send(page, "too late")
    refusal = message(page, "too late").get_by_role("alert")
    expect(refusal).to_contain_text("Not sent: This group is archived")
    page.goto(other.path)
    wait_live(page)
    send(page, "in time")
    expect_texts(page, ["in time"])
    page.goto(talk.path)
    row = message(page, "too late")
    expect(row.locator(".failure")).to_contain_text("Not sent")
    ada.call("PATCH", f"/api/groups/{talk.id}", {"archived": False})
    wait_live(page)
    expect(composer(page)).to_be_editable()
    row.get_by_role("button", name="Try again").click()
    expect_texts(page, ["too late"])


FORBID_LOCKS = """if (navigator.locks) LockManager.prototype.request = async () => {
    throw new DOMException('Access to the Locks API is denied', 'SecurityError');
}"""


def test_where_locks_are_forbidden_messages_go_out(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("no locks", ben)
    context = signed_in(ben)
    context.add_init_script(FORBID_LOCKS)
    page = live_tab(context, talk.path)
    send(page, "unlocked")
    expect_texts(page, ["unlocked"])


#: Makes short what a tab waits for another, though not for the server.
IMPATIENT = """const timeout = AbortSignal.timeout;
AbortSignal.timeout = (wait) => timeout.call(AbortSignal, wait === 15_000 ? wait : 10);"""


def test_tab_that_was_stopped_while_it_sent_keeps_no_other_from_sending(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("stopped while it sends", ben)
    context = signed_in(ben)
    first = live_tab(context, talk.path)
    context.add_init_script(IMPATIENT)
    second = live_tab(context, talk.path)
    process = pid_of(first)
    assert process != pid_of(second)
    posts = held(first, "**/api/messages")
    send(first, "from the first")
    until_held(first, posts, 1)
    with stopped(process):
        send(second, "from the second")
        expect_texts(second, ["from the first", "from the second"])
    posts[0].continue_()
    expect_texts(first, ["from the first", "from the second"])
    assert ben.hear(talk) == ["from the first", "from the second"]


def test_what_another_tab_has_sent_stays_until_the_stream_brings_it(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("sent by another tab", ben)
    context = signed_in(ben)
    context.route("**/api/sse?**", leave_waiting)
    posts = held(context, "**/api/messages")
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        tab.goto(talk.path)
    send(first, "from the first")
    until_held(first, posts, 1)
    send(second, "from the second")
    for done in (1, 2):  # the first tab sends both: it is its turn
        until_held(first, posts, done)
        assert posts[-1].request.frame.page == first
        posts[-1].continue_()
    second.wait_for_function(NOTHING_WAITS, polling=50)
    assert texts(second) == ["from the first", "from the second"]
    context.unroute("**/api/sse?**")
    second.evaluate("() => dispatchEvent(new Event('online'))")
    for tab in (first, second):
        expect_texts(tab, ["from the first", "from the second"])


def test_what_is_refused_for_haste_waits_as_long_as_it_is_told_and_goes_out_in_order(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("in haste", ben)
    page = signed_in(ben).new_page()
    page.clock.install()
    page.goto(talk.path)
    wait_live(page)
    page.route(
        "**/api/messages",
        lambda route: route.fulfill(status=429, headers={"Retry-After": "600"}, json={}),
    )
    send(page, WANTED[0])
    expect(message(page, WANTED[0]).locator(".failure")).to_contain_text("goes out by itself")
    page.unroute("**/api/messages")
    tries: list[str] = []
    page.on("request", lambda asked: tries.append(asked.url) if asked.method == "POST" else None)
    for text in WANTED[1:]:
        send(page, text)
    page.clock.run_for(60_000)
    page.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer
    assert [url for url in tries if url.endswith("/api/messages")] == []
    page.clock.fast_forward(600_000)
    expect_texts(page, WANTED)
    assert ben.hear(talk) == WANTED
