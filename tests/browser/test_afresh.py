"""The state is loaded afresh: what the page shows is true afterwards."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.page import (
    FOREIGN,
    below_end,
    composer,
    connection,
    expect_texts,
    message,
    stand_at,
    texts,
    without_stream,
)
from tests.browser.people import Person

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def test_reset_reloads_the_state_and_keeps_what_is_typed(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("reset", ben)
    old = [ada.say(talk, f"old {number}") for number in range(3)]
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)
    with page.expect_request("**/api/sse?**") as stream:
        page.goto(talk.path)
    assert f"cursor={FOREIGN}" in stream.value.url
    composer(page).fill("still typing")
    ada.call("DELETE", f"/api/messages/{old[1]['id']}")
    ada.say(talk, "new")
    connection(page, "live")
    expect_texts(page, ["old 0", "old 2", "new"])
    assert texts(page) == ["old 0", "old 2", "new"]
    expect(composer(page)).to_have_value("still typing")


def test_reset_of_a_conversation_that_is_lost_says_so(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("lost while away", ben)
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)

    def put_out_before(route: Route) -> None:
        ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
        route.continue_()

    page.route("**/api/sse?**", put_out_before, times=1)
    page.goto(talk.path)
    expect(page.get_by_text("Error 404")).to_be_visible()


def test_reset_keeps_the_only_message_before_who_reads_it(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("one long message", ben)
    lines = [f"line {number}" for number in range(80)]
    ada.say(talk, "\n\n".join(lines))
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)

    def mark_before(route: Route) -> None:
        page.locator(".message").evaluate("row => { row.dataset.old = ''; }")
        route.continue_()

    page.route("**/api/sse?**", mark_before, times=1)
    page.goto(talk.path)
    expect(page.locator(".message[data-old]")).to_have_count(0)
    expect(page.locator(".message").get_by_text("line 0", exact=True)).to_be_in_viewport()
    expect(page.locator("[data-older]")).to_have_count(0)
    ada.say(talk, "after it")
    expect(message(page, "after it")).to_be_attached()
    assert below_end(page) > 0


def test_reset_leaves_open_what_somebody_edits(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("reset under an edit", ben)
    said = ada.say(talk, "a typpo")
    ada.say(talk, "below it")
    page = signed_in(ada).new_page()
    stand_at(page, talk.path, FOREIGN)
    streams = without_stream(page, talk.path)
    message(page, "a typpo").hover()
    message(page, "a typpo").locator(".edit").click()
    field = page.get_by_role("textbox", name="Edit the message")
    field.fill("half an edit")
    ada.call("PATCH", f"/api/messages/{said['id']}", {"content": "changed elsewhere"})
    ada.say(talk, "new")
    page.unroute("**/api/sse?**")
    streams[0].continue_()
    connection(page, "live")
    expect(message(page, "new")).to_be_visible()
    expect(field).to_have_value("half an edit")
    expect(field).to_be_focused()
    assert texts(page) == ["changed elsewhere", "below it", "new"]
    field.press("Enter")
    expect_texts(page, ["half an edit", "below it", "new"])


def test_what_was_said_while_one_was_put_out_is_asked_for_until_it_comes(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("let in on a bad line", ben)
    ada.say(talk, "before")
    page = open_tab(ben, talk.path)
    ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    expect(composer(page)).not_to_be_editable()
    ada.say(talk, "meanwhile")
    page.route("**/api/messages?**", lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [ben.id]})
    ada.say(talk, "after")
    expect_texts(page, ["before", "meanwhile", "after"])


def test_reset_leaves_who_goes_by_keyboard_where_one_writes(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("reset under the focus", ben)
    ada.say(talk, "read by keyboard")
    page = signed_in(ben).new_page()
    stand_at(page, talk.path, FOREIGN)
    streams = without_stream(page, talk.path)
    page.locator(".message .permalink").focus()
    ada.say(talk, "new")
    streams[0].continue_()
    expect_texts(page, ["read by keyboard", "new"])
    expect(composer(page)).to_be_focused()
