"""A stream that comes late brings what pages brought before it: once, and where it belongs."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.page import (
    FOREIGN,
    connection,
    expect_texts,
    held,
    message,
    send,
    stand_at,
    texts,
    until_held,
    without_stream,
)
from tests.browser.people import Conversation, Person, fill

SignedIn = Callable[..., BrowserContext]


def let_flow(page: Page, streams: list[Route]) -> None:
    streams[0].continue_()
    page.unroute("**/api/sse?**")
    connection(page, "live")


def expect_slip_to_go_away(
    page: Page, streams: list[Route], talk: Conversation, ada: Person, ben: Person
) -> None:
    """Let ben send in the page, and delete that before the stream flows: nothing of it stays."""
    with page.expect_response("**/api/messages") as answer:
        send(page, "a slip")
    ben.call("DELETE", f"/api/messages/{answer.value.json()['id']}")
    let_flow(page, streams)
    ada.say(talk, "after")
    expect_texts(page, ["after"])
    assert texts(page) == ["after"]


def expect_end(page: Page, wanted: list[str]) -> None:
    """The last words are in the page, and so is all between its first words and them."""
    expect(message(page, wanted[-1])).to_be_visible()
    shown = texts(page)
    assert shown == wanted[-len(shown) :]


def say_many(person: Person, talk: Conversation, count: int) -> list[str]:
    said = [f"new {number:03}" for number in range(count)]
    for text in said:
        person.say(talk, text)
    return said


def test_what_the_newest_page_left_above_it_does_not_come_in_below(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("late stream", ben)
    first = ada.say(talk, "the first words")["id"]
    fill(talk, ben, 60)
    page = signed_in(ben).new_page()
    streams = without_stream(page, f"{talk.path}?around={first}#{first}")
    new = say_many(ada, talk, 60)
    send(page, "here I am")  # leads to the newest page
    expect(message(page, new[-1])).to_be_visible()
    let_flow(page, streams)
    ada.say(talk, "after")
    expect_end(page, [*new, "here I am", "after"])


def test_what_was_said_while_a_reset_waited_comes_in_where_it_belongs(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("slow reset", ben)
    ada.say(talk, "before")
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)
    pages = held(page, "**/api/messages?**")
    page.goto(talk.path)
    until_held(page, pages, 1)
    new = say_many(ada, talk, 70)  # the stream brings them, and they wait for the page
    pages[0].continue_()
    page.unroute("**/api/messages?**")
    ada.say(talk, "after")
    expect_end(page, ["before", *new, "after"])


def test_own_message_that_was_deleted_before_the_stream_brought_it_goes_away(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("gone before it came", ben)
    page = signed_in(ben).new_page()
    streams = without_stream(page, talk.path)
    expect_slip_to_go_away(page, streams, talk, ada, ben)


def test_own_message_that_was_deleted_before_a_reset_goes_away(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("gone before the reset", ben)
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)
    streams = without_stream(page, talk.path)
    expect_slip_to_go_away(page, streams, talk, ada, ben)
