"""Everything works with JavaScript switched off."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.page import message
from tests.browser.people import PASSWORD, Conversation, Person, fill
from tests.support.server import Server

SignedIn = Callable[..., BrowserContext]


@pytest.fixture
def page(ben: Person, signed_in: SignedIn) -> Page:
    """Ben's browser, without scripts."""
    return signed_in(ben, java_script_enabled=False).new_page()


def write(page: Page, text: str) -> None:
    page.locator("[data-composer] textarea").fill(text)
    page.get_by_role("button", name="Send").click()


def test_sign_in_and_out(browser: Browser, server: Server, ben: Person) -> None:
    context = browser.new_context(base_url=server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Name").fill(ben.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Conversations")).to_be_attached()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


def test_read_page_back_and_post(ada: Person, ben: Person, page: Page) -> None:
    talk = ada.group("plain pages", ben)
    wanted = fill(talk, ben, 120)
    page.goto(talk.path)
    newest = texts_of(page)
    assert newest == wanted[-len(newest) :]
    page.get_by_role("link", name="Older messages").click()
    older = texts_of(page)
    assert older == wanted[-len(newest) - len(older) : -len(newest)]
    page.get_by_role("link", name="Jump to the newest").click()
    write(page, "posted by a *form*")
    expect(message(page, "posted by a form")).to_be_visible()
    assert ada.hear(talk)[-1] == "posted by a *form*"


def texts_of(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".message .body").all_text_contents()]


def test_edit_and_delete(ada: Person, ben: Person, page: Page) -> None:
    talk = ada.group("plain edits", ben)
    mine = ben.say(talk, "a typpo")
    page.goto(f"/messages/{mine['id']}/edit")
    page.locator("textarea[name=content]").fill("a typo")
    page.get_by_role("button", name="Save").click()
    assert ada.hear(talk) == ["a typo"]
    page.goto(f"/messages/{mine['id']}/delete")
    page.get_by_role("button", name="Delete").click()
    assert ada.hear(talk) == []


def test_start_a_direct_message(ada: Person, page: Page) -> None:
    page.goto("/direct-messages/new")
    page.get_by_label("Ada").check()
    page.get_by_role("button", name="Open the conversation").click()
    expect(page.locator("section.conversation[data-kind=dm]")).to_be_visible()
    write(page, "Hello by form")
    expect(message(page, "Hello by form")).to_be_visible()


def test_create_join_and_leave_a_group(ada: Person, ben: Person, page: Page) -> None:
    page.goto("/groups/new")
    page.get_by_label("Name", exact=True).fill("made by a form")
    page.get_by_role("button", name="Create the group").click()
    expect(page.locator("section.conversation[data-kind=group]")).to_be_visible()
    write(page, "the first words")
    expect(message(page, "the first words")).to_be_visible()

    page.get_by_role("link", name="Details", exact=True).click()
    page.get_by_role("button", name="Leave the group").click()  # which one can join again

    open_group = ada.group("come in")
    page.goto("/groups?q=come")
    page.get_by_role("button", name="Join come in").click()
    expect(page.get_by_role("heading", name="come in", level=1)).to_be_visible()
    assert ben.id in ada.call("GET", f"/api/conversations/{open_group.id}")["memberIds"]

    page.goto(f"{open_group.path}/details")
    page.get_by_role("button", name="Leave").click()
    assert ben.id not in ada.call("GET", f"/api/conversations/{open_group.id}")["memberIds"]


def test_leaving_what_one_cannot_join_again_is_asked(ada: Person, ben: Person, page: Page) -> None:
    body = {"name": "closed", "private": True, "userIds": [ben.id]}
    group = Conversation(ada.call("POST", "/api/groups", body))
    page.goto(f"{group.path}/details")
    page.get_by_role("link", name="Leave the group").click()
    expect(page.get_by_text("You cannot come back by yourself")).to_be_visible()
    page.get_by_role("link", name="Stay", exact=True).click()
    page.get_by_role("link", name="Leave the group").click()
    assert ben.id in ada.call("GET", f"/api/conversations/{group.id}")["memberIds"]
    page.get_by_role("button", name="Leave the group").click()
    expect(page.get_by_role("navigation", name="Conversations")).to_be_visible()
    assert ben.id not in ada.call("GET", f"/api/conversations/{group.id}")["memberIds"]


def test_who_answers_has_read_what_the_page_showed(ada: Person, ben: Person, page: Page) -> None:
    talk = ada.group("answered by form", ben)
    ada.say(talk, "a question")
    page.goto(talk.path)
    ada.say(talk, "another, which the page does not show")
    write(page, "an answer")
    expect(message(page, "an answer")).to_be_visible()
    assert ben.call("GET", f"/api/conversations/{talk.id}")["unreadCount"] == 1


def test_refusal_gives_back_what_was_typed(
    ada: Person, ben: Person, page: Page, faults: None
) -> None:
    talk = ada.group("plain refusals", ben)
    mine = ben.say(talk, "as it was")
    page.goto(talk.path)
    ada.call("PATCH", f"/api/groups/{talk.id}", {"archived": True})
    write(page, "too late to say")
    expect(page.get_by_role("alert")).to_contain_text("This group is archived")
    expect(page.locator("[data-composer] textarea")).to_have_value("too late to say")
    page.goto(talk.path)
    expect(page.get_by_text("This group is archived")).to_be_visible()
    expect(page.locator("[data-composer]")).to_have_count(0)

    page.goto(f"/messages/{mine['id']}/edit")
    page.get_by_label("Text").fill("too late to change")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("This group is archived")
    expect(page.get_by_label("Text")).to_have_value("too late to change")


def test_refused_change_of_a_group_gives_back_what_was_typed(
    ada: Person, ben: Person, page: Page, faults: None
) -> None:
    talk = ben.group("plain and mine", ada)
    page.goto(f"{talk.path}/details")
    page.get_by_text("Change the name or topic").click()
    page.get_by_label("Topic").fill("what it was for")
    ben.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [ben.id]})
    page.get_by_role("button", name="Save").click()  # which is Ada's to do by now
    expect(page.get_by_role("alert")).to_contain_text("owner")
    expect(page.get_by_label("Topic")).to_have_value("what it was for")


def test_refused_name_and_password_are_said_at_their_fields(page: Page, faults: None) -> None:
    page.goto("/profile")
    page.get_by_label("Your name").fill("  ")
    page.locator("form", has=page.get_by_label("Your name")).get_by_role("button").click()
    expect(page.get_by_label("Your name")).to_be_focused()
    expect(page.get_by_label("Your name")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Present password").fill("wrong horse battery")
    page.get_by_label("New password").fill("another horse battery")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_label("Present password")).to_be_focused()
    expect(page.get_by_label("Present password")).to_have_accessible_description(re.compile("."))


def test_scripts_really_are_off(page: Page) -> None:
    """The premise: scripts really are off here."""
    page.goto("/conversations")
    expect(page.locator("[data-connection][data-state]")).to_have_count(0)
