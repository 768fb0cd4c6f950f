"""Writing, from the first letter to the sent message."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import live_tab
from tests.browser.page import (
    composer,
    connection,
    expect_texts,
    held,
    message,
    send,
    until_held,
)
from tests.browser.people import Person

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def test_enter_sends_and_shift_enter_breaks_the_line(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("two lines", ben)
    page = open_tab(ben, talk.path)
    field = composer(page)
    field.press_sequentially("one")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    expect(field).to_have_value("one\ntwo")
    field.press("Enter")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.wait_for_function("() => document.querySelector('.message[data-message-id]')")
    assert ben.hear(talk) == ["one\ntwo"]
    field.press("Enter")
    expect(page.locator(".message")).to_have_count(1)


def test_enter_that_chooses_a_word_does_not_send(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("input method", ben)
    page = open_tab(ben, talk.path)
    composer(page).fill("にほん")
    composer(page).dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(composer(page)).to_have_value("にほん")
    expect(page.locator(".message")).to_have_count(0)


def test_the_limit_is_said_before_it_is_hit(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("limit", ben)
    page = open_tab(ben, talk.path)
    count = page.locator(".composer-count")
    composer(page).fill("x" * 100)
    expect(count).to_be_hidden()
    composer(page).fill("x" * 7900)
    expect(count).to_have_text("7900 / 8000")
    composer(page).fill("x" * 8012)
    expect(page.locator("[data-composer-error]")).to_contain_text("12 characters too many")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("x" * 8012)
    composer(page).fill("😀" * 8000)  # characters, not the halves that JavaScript counts
    expect(count).to_have_text("8000 / 8000")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")
    page.wait_for_function("() => document.querySelector('.message[data-message-id]')")
    assert ben.hear(talk) == ["😀" * 8000]


def test_message_shows_at_once_and_is_replaced_by_the_real_one(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("optimistic", ben)
    page = open_tab(ben, talk.path)
    posts = held(page, "**/api/messages")
    send(page, "**bold** soon")
    pending = page.locator(".message.pending")
    expect(pending.locator(".body")).to_have_text("**bold** soon")
    expect(pending.locator(".author")).to_have_text("Ben")
    until_held(page, posts, 1)
    posts[0].continue_()
    expect_texts(page, ["bold soon"])
    expect(page.locator(".message")).to_have_count(1)


def test_discarded_message_leaves_its_words(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("discard", ben)
    page = open_tab(ben, talk.path)
    page.route("**/api/messages", lambda route: route.fulfill(status=404, json={}))
    send(page, "never mind")
    row = message(page, "never mind")
    expect(row.locator(".failure")).to_contain_text("no longer in this conversation")
    row.get_by_role("button", name="Discard").click()
    expect(page.locator(".message")).to_have_count(0)
    page.reload()
    connection(page, "live")
    expect(page.locator(".message")).to_have_count(0)


def test_letters_of_several_characters_count_as_the_server_counts_them(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("decomposed", ben)
    page = open_tab(ben, talk.path)
    syllables = "\ud55c" * 3000
    composer(page).fill(unicodedata.normalize("NFD", syllables))  # as a Mac's file names are
    composer(page).press("Enter")
    expect_texts(page, [syllables])
    assert ben.hear(talk) == [syllables]


FULL = """Storage.prototype.setItem = () => {
    throw new DOMException('It is full', 'QuotaExceededError');
}"""


def test_who_leaves_with_what_could_not_be_kept_is_asked(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("no room", ben)
    context = signed_in(ben)
    context.add_init_script(FULL)
    page = live_tab(context, talk.path)
    posts = held(page, "**/api/messages")
    send(page, "kept nowhere else")
    until_held(page, posts, 1)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    posts[0].continue_()
    expect_texts(page, ["kept nowhere else"])
    with page.expect_event("close"):
        page.close(run_before_unload=True)
