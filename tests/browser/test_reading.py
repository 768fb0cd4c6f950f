"""What is being read stays where it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import (
    below_end,
    connection,
    expect_texts,
    held,
    message,
    scroll_to,
    send,
    texts,
    until_held,
)
from tests.browser.people import Person, fill
from tests.support.wait import until

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]

#: Where the first unread message is in each frame, and what moved without a reason.
PLACES = """
    window.places = [];
    window.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({value}) => value)))
        .observe({type: 'layout-shift', buffered: true});
    const look = () => {
        const divider = document.querySelector('[data-unread]');
        if (divider) places.push(divider.getBoundingClientRect().top);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""
TOP_OF = "row => row.getBoundingClientRect().top"
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            for (const {previousRect: was, currentRect: is} of entry.sources)
                shifts.push(Math.abs(is.y - was.y));
    }).observe({type: 'layout-shift', buffered: false});
}"""


def test_older_messages_load_while_scrolling_up_and_the_place_is_kept(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("long story", ben)
    wanted = fill(talk, ben, 180)
    page = open_tab(ben, talk.path)
    shown = texts(page)
    assert shown == wanted[-len(shown) :]
    assert len(shown) < 180
    first = message(page, shown[0])
    with page.expect_response("**/api/messages?**before=**"):
        scroll_to(page, shown[0])
    before = first.evaluate(TOP_OF)
    page.wait_for_function(
        "count => document.querySelectorAll('.message').length > count", arg=len(shown)
    )
    assert abs(first.evaluate(TOP_OF) - before) < 1
    while page.locator("[data-older]").count():
        oldest = page.locator(".message").first
        known = oldest.get_attribute("id")
        oldest.evaluate("row => row.scrollIntoView()")
        page.wait_for_function("id => document.querySelector('.message').id !== id", arg=known)
    expect(message(page, "line 000")).to_be_attached()
    assert texts(page) == wanted


def test_conversation_opens_at_the_first_unread(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("unread", ben)
    fill(talk, ada, 60)
    page = open_tab(ben, talk.path)
    divider = page.locator("[data-unread]")
    expect(divider).to_be_in_viewport()
    assert below_end(page) > 0 or page.locator(".message").count() < 60


@pytest.mark.parametrize("width", [360, 1280])
def test_conversation_opens_at_the_first_unread_in_its_first_frame(
    ada: Person, ben: Person, signed_in: SignedIn, width: int
) -> None:
    talk = ada.group("unread, at once", ben)
    fill(talk, ada, 40)
    context = signed_in(ben, viewport={"width": width, "height": 740})
    context.add_init_script(PLACES)
    page = live_tab(context, talk.path)
    expect(page.locator("[data-unread]")).to_be_in_viewport()
    assert below_end(page) > 0
    page.wait_for_function("places.length > 5")
    assert len(set(page.evaluate("places"))) == 1
    assert page.evaluate("shifts") == []


def test_arriving_message_moves_nothing_for_who_reads_further_up(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("reading up", ben)
    fill(talk, ben, 60)
    page = open_tab(ben, talk.path)
    scroll_to(page, "line 030")
    page.wait_for_function("() => document.querySelector('[data-scroller]').scrollTop < -100")
    expect(page.locator("[data-new-messages]")).to_be_hidden()
    before = message(page, "line 030").evaluate(TOP_OF)
    page.evaluate(SHIFTS)
    for number in range(3):
        ada.say(talk, f"news {number}\n\nwith a second paragraph")
    button = page.locator("[data-new-messages]")
    expect(button).to_have_text("3 new messages")
    assert abs(message(page, "line 030").evaluate(TOP_OF) - before) < 1
    assert max(page.evaluate("shifts"), default=0) < 1
    button.click()
    expect(message(page, "news 2")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_at_the_end_the_page_follows(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("following", ben)
    fill(talk, ben, 40)
    page = open_tab(ben, talk.path)
    assert below_end(page) == 0
    for number in range(3):
        ada.say(talk, f"news {number}\n\nwith a second paragraph")
        expect(message(page, f"news {number}")).to_be_in_viewport(ratio=1)


def test_own_message_leads_back_to_the_end(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("own message", ben)
    fill(talk, ben, 60)
    page = open_tab(ben, talk.path)
    scroll_to(page, "line 020")
    send(page, "here I am")
    expect(message(page, "here I am")).to_be_in_viewport()


def test_page_of_the_past_catches_up_while_scrolling_down(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("past", ben)
    wanted = fill(talk, ben, 150)
    (key, value), *_ = talk.reference.items()
    page_of_old = ben.call("GET", f"/api/messages?{key}={value}&limit=100")
    middle = page_of_old[0]["id"]
    page = live_tab(signed_in(ben), f"{talk.path}?before={middle}")
    expect(message(page, "line 049")).to_be_in_viewport()
    ada.say(talk, "today")
    expect(page.locator("[data-new-messages]")).to_have_text("1 new message")
    assert "today" not in texts(page)
    for text in ("line 099", "line 149"):
        expect(message(page, text)).to_be_attached()
        scroll_to(page, text)
    expect_texts(page, ["line 148", "line 149", "today"])
    shown = texts(page)
    assert shown == [*wanted[-len(shown) + 1 :], "today"]


def test_days_and_blocks_are_the_same_live_and_after_a_reload(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("blocks", ben)
    page = open_tab(ben, talk.path)
    for person, text in ((ada, "one"), (ada, "two"), (ben, "three")):
        person.say(talk, text)
    last = ada.say(talk, "four")
    expect_texts(page, ["one", "two", "three", "four"])
    outline = """() => [...document.querySelector('[data-timeline]').children]
        .filter(row => !row.matches('[data-unread]'))
        .map(row => [row.className, row.textContent.replace(/\\s+/g, ' ')])"""
    live = page.evaluate(outline)
    ben.call("POST", f"/api/conversations/{talk.id}/read", {"messageId": last["id"]})
    page.reload()
    expect_texts(page, ["one", "two", "three", "four"])
    assert page.evaluate(outline) == live
    assert [row[0] for row in live] == [
        "day",
        "message",
        "message continued",
        "message mine",
        "message",
    ]


@pytest.mark.parametrize(("status", "most"), [(400, 1), (503, 6)])
def test_what_was_read_is_not_told_again_and_again_to_who_refuses_it(
    ada: Person, ben: Person, signed_in: SignedIn, status: int, most: int, faults: None
) -> None:
    talk = ada.group("refused", ben)
    page = signed_in(ben).new_page()
    page.clock.install()
    page.goto(talk.path)
    connection(page, "live")
    page.evaluate("() => { Math.random = () => 0.5; }")  # half of what may be waited at most
    told: list[str] = []

    def refuse(route: Route) -> None:
        told.append(route.request.url)
        route.fulfill(status=status, json={"title": "Not now"})

    page.route("**/read", refuse)
    ada.say(talk, "for your eyes")
    expect_texts(page, ["for your eyes"])
    for _ in range(50):
        page.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer
        page.clock.run_for(400)
    assert 1 <= len(told) <= most

    page.unroute("**/read")
    ada.say(talk, "and on")
    expect_texts(page, ["for your eyes", "and on"])
    page.clock.run_for(31_000)
    until(lambda: ben.call("GET", f"/api/conversations/{talk.id}")["unreadCount"] == 0, "all read")


def test_what_was_seen_is_told_though_one_looks_away_before(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("looked away", ben)
    page = open_tab(ben, talk.path)
    told = held(page, "**/read")
    ada.say(talk, "seen")
    until_held(page, told, 1)
    ada.say(talk, "seen as well")
    expect_texts(page, ["seen", "seen as well"])
    page.evaluate("() => { document.hasFocus = () => false; }")
    told[0].continue_()
    page.unroute("**/read")
    until(lambda: ben.call("GET", f"/api/conversations/{talk.id}")["unreadCount"] == 0, "all read")
