"""Where the focus goes, and what is said aloud of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page import composer, message, scroll_to, send
from tests.browser.people import Person, fill

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]


def test_focus_goes_back_to_writing_when_what_had_it_goes_away(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("focus", ben)
    said = ada.say(talk, "a mistake")
    page = open_tab(ada, talk.path)
    expect(composer(page)).to_be_focused()

    field = page.get_by_role("textbox", name="Edit the message")
    for leave in ("Escape", "Enter"):
        composer(page).press("ArrowUp")
        expect(field).to_be_focused()
        field.press(leave)
        expect(composer(page)).to_be_focused()

    message(page, "a mistake").locator(".delete").focus()
    ada.call("DELETE", f"/api/messages/{said['id']}")
    expect(message(page, "a mistake")).to_have_count(0)
    expect(composer(page)).to_be_focused()

    page.route("**/api/messages", lambda route: route.fulfill(status=403, json={}))
    send(page, "refused")
    message(page, "refused").get_by_role("button", name="Discard").press("Enter")
    expect(message(page, "refused")).to_have_count(0)
    expect(composer(page)).to_be_focused()


def test_focus_goes_back_to_who_asked_and_then_kept_it(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("focus of who asked", ben)
    ben.say(talk, "kept after all")
    page = open_tab(ben, talk.path)
    row = message(page, "kept after all")
    row.locator(".permalink").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for answer in ("Escape", "Enter"):  # which keeps it, too
        expect(row.locator(".delete")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Keep")).to_be_focused()
        page.keyboard.press(answer)
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row.locator(".delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete").press("Enter")
    expect(composer(page)).to_be_focused()


def test_button_to_the_newest_leads_back_to_writing(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("focus at the end", ben)
    fill(talk, ben, 60)
    page = open_tab(ben, talk.path)
    scroll_to(page, "line 030")
    ada.say(talk, "below")
    button = page.get_by_role("button", name="1 new message")
    button.press("Enter")
    expect(button).to_be_hidden()
    expect(composer(page)).to_be_focused()
    expect(message(page, "below")).to_be_in_viewport()


def test_link_to_the_newest_leads_to_writing_as_well(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("focus far up", ben)
    first = ada.say(talk, "the first words")["id"]
    fill(talk, ben, 150)
    page = open_tab(ben, f"{talk.path}?around={first}#{first}")
    page.get_by_role("link", name="Jump to the newest").press("Enter")
    expect(message(page, "line 149")).to_be_in_viewport()
    expect(composer(page)).to_be_focused()


def test_what_is_wrong_is_said_aloud_where_it_is(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("errors aloud", ben)
    page = open_tab(ben, talk.path)
    composer(page).fill("x" * 8001)
    expect(page.get_by_role("alert")).to_contain_text("1 character too many")
    expect(composer(page)).to_have_attribute("aria-invalid", "true")
    expect(composer(page)).to_have_accessible_description(re.compile("1 character too many"))
    composer(page).fill("short")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(composer(page)).to_have_attribute("aria-invalid", "false")
    page.route("**/api/messages", lambda route: route.fulfill(status=403, json={}))
    composer(page).press("Enter")
    expect(message(page, "short").get_by_role("alert")).to_have_text(
        "Not sent: you may not write here."
    )
