"""What a screen reader is told: each thing once, and no flood."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page import asked_for, connection, expect_texts, message, send
from tests.browser.people import Conversation, Person

SignedIn = Callable[..., BrowserContext]

#: Keeps the words that regions and alerts of the page are given from here on.
LISTEN = """() => {
    window.told = [];
    const spoken = [...document.querySelectorAll('[aria-live=polite], .message [role=alert]')];
    for (const region of spoken) new MutationObserver((changes) => {
        for (const {addedNodes} of changes)
            for (const node of addedNodes) told.push(node.textContent);
    }).observe(region, {childList: true, subtree: true});
}"""


def listening_page(signed_in: SignedIn, person: Person, talk: Conversation) -> Page:
    """A live page with all that it fetches later."""
    page = signed_in(person).new_page()
    page.clock.install()
    page.goto(talk.path)
    connection(page, "live")
    with page.expect_event("requestfinished", lambda asked: "/announcing.js" in asked.url):
        page.clock.run_for(1000)
    page.wait_for_selector("body > [aria-live=polite]", state="attached")
    page.evaluate(LISTEN)
    return page


def told(page: Page) -> list[str]:
    """What was said, once what came together has come."""
    page.clock.run_for(500)
    return [words for words in page.evaluate("told") if words]


def test_screen_reader_is_told_of_each_new_message_once(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk, other = ada.group("announced", ben), ada.group("not announced", ben)
    ada.say(talk, "there before")
    page = listening_page(signed_in, ben, talk)
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")  # or it would say it too
    for number in range(7):
        ada.say(talk, f"**news** {number}")
        expect(message(page, f"news {number}")).to_be_visible()
        assert told(page)[-1] == f"Ada: news {number}"
    ada.say(other, "elsewhere")
    said = ada.say(talk, "to be edited")
    expect(message(page, "to be edited")).to_be_visible()
    ada.call("PATCH", f"/api/messages/{said['id']}", {"content": "edited"})
    send(page, "my own")
    expect_texts(page, ["news 6", "edited", "my own"])
    assert told(page) == [*[f"Ada: news {number}" for number in range(7)], "Ada: to be edited"]


def test_of_many_messages_at_once_a_screen_reader_is_told_how_many_they_are(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("many at once", ben)
    page = listening_page(signed_in, ben, talk)
    page.context.set_offline(True)
    connection(page, "offline")
    for number in range(30):
        ada.say(talk, f"missed {number}")
    page.context.set_offline(False)
    expect(message(page, "missed 29")).to_be_visible()
    lines = told(page)
    assert len(lines) < 30
    assert sum(int(words.split()[0]) for words in lines if "new messages" in words) > 15


def test_why_a_message_waits_is_not_said_with_each_try(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("tried often", ben)
    page = listening_page(signed_in, ben, talk)
    tries = asked_for(page, "/api/messages")
    page.route("**/api/messages", lambda route: route.abort())
    send(page, "on its way")
    expect(message(page, "on its way").get_by_role("alert")).to_contain_text("cannot be reached")
    page.evaluate(LISTEN)
    while len(tries) < 4:
        page.clock.run_for(1000)
        page.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer
    assert told(page) == []
