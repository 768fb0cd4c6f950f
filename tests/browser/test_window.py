"""A page holds a part of its conversation: without a gap, and around what is being read."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.page import (
    connection,
    held,
    leave_waiting,
    message,
    scroll_to,
    send,
    texts,
    until_held,
)
from tests.browser.people import Person, fill

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]

#: Rows that are in a page before the furthest leave it.
MOST = 300
TO_TOP = "row => row.scrollIntoView()"
#: And waits until the page has heard of it.
TO_END = """() => new Promise((heard) => {
    const scroller = document.querySelector('[data-scroller]');
    scroller.addEventListener('scroll', () => heard(), {once: true});
    scroller.scrollTop = 0;
})"""
TOP_OF = "row => row.getBoundingClientRect().top"


def load_up(page: Page, count: int) -> None:
    """Scroll up until so many messages are in the page."""
    rows = page.locator(".message")
    while (known := rows.count()) < count:
        rows.first.evaluate(TO_TOP)
        page.wait_for_function("n => document.querySelectorAll('.message').length > n", arg=known)


def ask_for_older(page: Page) -> list[Route]:
    """Scroll to the top, and let the next page wait."""
    older = held(page, "**/api/messages?**before=**")
    page.locator(".message").first.evaluate(TO_TOP)
    until_held(page, older, 1)
    return older


def expect_end(page: Page, wanted: list[str]) -> None:
    """The last words are in sight, and all from the first words of the page to them is in it."""
    expect(message(page, wanted[-1])).to_be_in_viewport()
    shown = texts(page)
    assert shown == wanted[-len(shown) :]


def test_older_messages_that_come_late_do_not_lead_away_from_the_end(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("older come late", ben)
    said = fill(talk, ben, MOST + 60)
    page = open_tab(ben, talk.path)
    load_up(page, MOST)
    older = ask_for_older(page)
    page.evaluate(TO_END)
    ada.say(talk, "one more")
    expect(message(page, "one more")).to_be_in_viewport()
    first = page.locator(".message").first.get_attribute("id")
    older[0].continue_()
    page.wait_for_function("id => document.querySelector('.message').id !== id", arg=first)
    ada.say(talk, "and on")
    expect_end(page, [*said, "one more", "and on"])


def test_older_messages_that_come_when_their_place_has_left_the_page_leave_no_gap(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("older come too late", ben)
    said = fill(talk, ben, MOST + 60)
    page = open_tab(ben, talk.path)
    load_up(page, MOST)
    older = ask_for_older(page)
    page.evaluate(TO_END)
    new = [f"new {number}" for number in range(60)]
    for text in new:
        ada.say(talk, text)
    expect(message(page, new[-1])).to_be_in_viewport()
    with page.expect_response("**/api/messages?**before=**"):
        older[0].continue_()
    ada.say(talk, "and on")
    expect_end(page, [*said, *new, "and on"])


def test_what_is_polled_moves_nothing_for_who_reads_further_up_and_is_counted(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("polled while reading", ben)
    said = fill(talk, ben, MOST)
    page = signed_in(ben).new_page()
    page.route("**/api/sse?**", leave_waiting)
    page.goto(talk.path)
    connection(page, "polling")
    load_up(page, MOST)
    read = message(page, said[0])
    scroll_to(page, said[0])
    before = read.evaluate(TOP_OF)
    ada.say(talk, "new")
    button = page.locator("[data-new-messages]")
    expect(button).to_have_text("1 new message")
    new = [f"new {number}" for number in range(60)]
    for text in new:
        ada.say(talk, text)
    # The page has no room for them: the end goes, and what is being read stays.
    expect(button).to_have_text(re.compile(r"^[56]\d new messages"))
    assert abs(read.evaluate(TOP_OF) - before) < 1
    button.click()
    expect_end(page, [*said, "new", *new])


def test_what_is_sent_from_far_up_shows_at_once(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("sent from far up", ben)
    first = ada.say(talk, "the first words")["id"]
    fill(talk, ben, 150)
    page = open_tab(ben, f"{talk.path}?around={first}#{first}")
    page.route("**/api/messages?**", leave_waiting)
    send(page, "here I am")
    expect(message(page, "here I am")).to_be_in_viewport()
