"""What was typed and not sent yet: kept come what may, and gone once it counts no more."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import live_tab, wait_live
from tests.browser.page import (
    asked_for,
    composer,
    expect_texts,
    held,
    leave_waiting,
    message,
    send,
    until_held,
)
from tests.browser.people import Person

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]


def edit_last(page: Page) -> Locator:
    """Open one's last message for editing."""
    composer(page).press("ArrowUp")
    field = page.get_by_role("textbox", name="Edit the message")
    expect(field).to_be_focused()
    return field


def test_half_an_edit_survives_a_reload_but_not_another_edit(
    ada: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("half an edit")
    said = ada.say(talk, "a typpo")
    page = open_tab(ada, talk.path)
    edit_last(page).fill("a typo, and mo")
    page.reload()
    wait_live(page)
    expect(edit_last(page)).to_have_value("a typo, and mo")

    ada.call("PATCH", f"/api/messages/{said['id']}", {"content": "put right elsewhere"})
    expect(message(page, "put right elsewhere").locator(".edited")).to_be_visible()
    expect(edit_last_again(page)).to_have_value("put right elsewhere")


def edit_last_again(page: Page) -> Locator:
    page.reload()
    wait_live(page)
    return edit_last(page)


def test_edit_that_was_left_or_saved_leaves_no_draft(ada: Person, open_tab: OpenTab) -> None:
    talk = ada.group("edits that end")
    ada.say(talk, "as it was")
    page = open_tab(ada, talk.path)
    edit_last(page).fill("never mind")
    page.get_by_role("textbox", name="Edit the message").press("Escape")
    expect(edit_last_again(page)).to_have_value("as it was")
    page.get_by_role("textbox", name="Edit the message").fill("as it is")
    page.get_by_role("button", name="Save").click()
    expect_texts(page, ["as it is"])
    expect(edit_last_again(page)).to_have_value("as it is")


def test_what_was_written_where_one_is_no_longer_is_found_below_the_list(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("left with half a sentence", ben)
    page = open_tab(ben, talk.path)
    composer(page).fill("half a sentence")
    page.goto("/conversations")
    left = page.get_by_role("textbox", name="What you wrote")
    ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    expect(left).to_have_value("half a sentence")
    ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [ben.id]})
    expect(left).to_have_count(0)
    ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    page.reload()
    expect(left).to_have_value("half a sentence")
    page.get_by_role("button", name="Discard").click()
    expect(left).to_have_count(0)
    page.reload()
    wait_live(page)
    assert page.evaluate("Object.keys(localStorage).some(key => key.includes(':draft:'))") is False


def test_draft_that_is_sent_from_one_tab_leaves_the_other(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("draft in two tabs", ben)
    context = signed_in(ben)
    first = live_tab(context, talk.path)
    composer(first).fill("the same words")
    same, further = live_tab(context, talk.path), live_tab(context, talk.path)
    expect(composer(same)).to_have_value("the same words")
    expect(composer(further)).to_have_value("the same words")
    # What is kept is now "the same words", though one of them has gone on.
    further.evaluate(
        "() => { document.querySelector('[data-composer] textarea').value += ', and'; }"
    )
    composer(first).press("Enter")
    expect_texts(same, ["the same words"])
    expect(composer(same)).to_have_value("")
    expect_texts(further, ["the same words"])
    expect(composer(further)).to_have_value("the same words, and")


def test_what_is_typed_before_the_script_comes_is_kept(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("quick fingers", ben)
    page = signed_in(ben).new_page()
    script = held(page, "**/main.js")
    page.goto(talk.path, wait_until="commit")
    composer(page).press_sequentially("typed at once")
    script[0].continue_()
    page.unroute("**/main.js")
    wait_live(page)
    expect(composer(page)).to_have_value("typed at once")
    page.reload()
    wait_live(page)
    expect(composer(page)).to_have_value("typed at once")


def test_edit_shows_at_once_where_the_stream_is_held_back(ada: Person, signed_in: SignedIn) -> None:
    talk = ada.group("edited without a stream")
    ada.say(talk, "a typpo")
    page = signed_in(ada).new_page()
    page.route("**/api/sse?**", leave_waiting)
    page.goto(talk.path)
    expect(composer(page)).to_be_focused()
    edit_last(page).fill("a *typo*")
    page.get_by_role("button", name="Save").click()
    expect_texts(page, ["a typo"])
    expect(message(page, "a typo").locator(".edited")).to_be_visible()


def test_late_answer_to_an_edit_does_not_undo_a_later_one(ada: Person, open_tab: OpenTab) -> None:
    talk = ada.group("edited twice")
    said = ada.say(talk, "first")
    page = open_tab(ada, talk.path)

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        ada.call("PATCH", f"/api/messages/{said['id']}", {"content": "third"})
        expect(page.locator(".message .body")).to_have_text("third")
        route.fulfill(response=answer)

    page.route(
        "**/api/messages/*",
        lambda route: answer_late(route) if route.request.method == "PATCH" else route.continue_(),
    )
    edit_last(page).fill("second")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".message-edit")).to_have_count(0)
    expect_texts(page, ["third"])
    send(page, "fourth")
    expect_texts(page, ["third", "fourth"])


def test_sending_from_one_tab_takes_no_other_words_from_another(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("two drafts", ben)
    context = signed_in(ben)
    posts = held(context, "**/api/messages")
    first, second = live_tab(context, talk.path), live_tab(context, talk.path)
    composer(first).fill("from the first")
    composer(second).fill("something else, from the second")
    composer(first).press("Enter")
    # The tab has heard of this after it heard what became of the draft.
    expect(second.locator(".message.pending")).to_have_count(1)
    expect(composer(second)).to_have_value("something else, from the second")
    second.reload()
    wait_live(second)
    expect(composer(second)).to_have_value("something else, from the second")
    until_held(first, posts, 1)
    posts[0].continue_()
    expect_texts(first, ["from the first"])


def test_what_is_typed_while_an_edit_is_saved_stays(ada: Person, open_tab: OpenTab) -> None:
    talk = ada.group("typing on")
    ada.say(talk, "a typpo")
    page = open_tab(ada, talk.path)
    field = edit_last(page)
    patches = held(page, "**/api/messages/*")
    field.fill("a typo")
    field.press("Enter")
    until_held(page, patches, 1)
    field.press_sequentially(", and more")
    patches[0].continue_()
    page.unroute("**/api/messages/*")
    expect(message(page, "a typo").locator(".edited")).to_be_visible()
    expect(field).to_have_value("a typo, and more")
    expect(edit_last_again(page)).to_have_value("a typo, and more")
    page.get_by_role("textbox", name="Edit the message").press("Enter")
    expect_texts(page, ["a typo, and more"])


def test_arrow_up_right_after_sending_opens_no_earlier_message(
    ada: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("sent a moment ago")
    ada.say(talk, "said before")
    page = open_tab(ada, talk.path)
    posts = held(page, "**/api/messages")
    send(page, "a typpo")
    asked = asked_for(page, "/api/messages/")
    composer(page).press("ArrowUp")
    until_held(page, posts, 1)
    posts[0].continue_()
    expect_texts(page, ["said before", "a typpo"])
    assert asked == []
    expect(edit_last(page)).to_have_value("a typpo")
