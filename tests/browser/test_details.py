"""A conversation's details, and what changes about it while its pages are open."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import live_tab
from tests.browser.page import asked_for, composer, connection, expect_texts, item, message, send
from tests.browser.people import Conversation, Person, Team, fill
from tests.support.wait import until

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]

#: Wide enough for the list beside it, not for the conversation beside the details.
NARROW = {"width": 800, "height": 800}


def test_details_that_hide_the_conversation_read_nothing_and_fetch_nothing(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("behind its details", ben)
    fill(talk, ben, 120)
    context = signed_in(ben, viewport=NARROW)
    fetched = asked_for(context, "before=")
    page = live_tab(context, f"{talk.path}/details")
    expect(page.locator("section.conversation")).to_be_hidden()
    ada.say(talk, "unseen")
    expect(item(page, talk.id).locator(".unread-count")).to_have_text("1")
    ada.say(talk, "unseen as well")
    expect(item(page, talk.id).locator(".unread-count")).to_have_text("2")
    assert fetched == []
    assert unread(ben, talk) == 2

    page.set_viewport_size({"width": 1280, "height": 800})
    expect(message(page, "unseen as well")).to_be_in_viewport()
    expect(item(page, talk.id).locator(".unread-count")).to_have_text("")
    until(lambda: unread(ben, talk) == 0, "what came into sight is read")


def unread(person: Person, talk: Conversation) -> int:
    return int(person.call("GET", f"/api/conversations/{talk.id}")["unreadCount"])


def test_new_name_and_topic_show_on_every_open_page(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("before", ben)
    context = signed_in(ben)
    page, details, elsewhere = (
        live_tab(context, path) for path in (talk.path, f"{talk.path}/details", "/people")
    )
    ada.call("PATCH", f"/api/groups/{talk.id}", {"name": "after & <b>", "topic": "$& all of it"})
    for tab in (page, details, elsewhere):
        expect(item(tab, talk.id).locator(".name")).to_have_text("after & <b>")
    for tab in (page, details):
        expect(tab.locator(".conversation .bar .topic")).to_have_text("$& all of it")
        assert tab.title().endswith("after & <b> · chatapp")
        expect(tab.get_by_role("region", name="after & <b>", exact=True)).to_be_visible()
        expect(composer(tab)).to_have_accessible_name("Write to after & <b>")
        expect(tab.get_by_text("before", exact=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="after & <b>", level=1)).to_be_visible()
    beside = details.locator(".details-body")
    expect(beside.get_by_role("heading", name="after & <b>")).to_be_visible()
    expect(beside.get_by_text("$& all of it")).to_be_visible()
    ada.call("PATCH", f"/api/groups/{talk.id}", {"topic": ""})
    expect(page.locator(".conversation .bar .topic")).to_be_hidden()
    expect(page.get_by_role("heading", name="after & <b>", level=1)).to_be_visible()


def test_who_comes_and_goes_shows_in_open_details(
    ada: Person, ben: Person, team: Team, signed_in: SignedIn
) -> None:
    talk = ada.group("who is here", ben)
    cleo = team.person("cleo")
    page = live_tab(signed_in(ada), f"{talk.path}/details")
    people = page.locator("[data-members]")
    expect(people.get_by_role("heading")).to_have_text("2 people")
    ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [cleo.id]})
    expect(people.get_by_role("heading")).to_have_text("3 people")
    expect(people.get_by_role("listitem").filter(has_text="Cleo")).to_be_visible()
    people.get_by_role("button", name="Remove Ben").focus()
    cleo.call("DELETE", f"/api/groups/{talk.id}/members/{cleo.id}")
    expect(people.get_by_role("heading")).to_have_text("2 people")
    expect(people.get_by_role("button", name="Remove Ben")).to_be_focused()
    people.get_by_role("button", name="Remove Ben").press("Enter")
    expect(people.get_by_role("heading")).to_have_text("1 person")


def test_new_name_of_a_person_shows_where_one_talks_to_them(
    ben: Person, team: Team, open_tab: OpenTab
) -> None:
    eva = team.person("eva")
    talk = ben.write_to(eva)
    eva.say(talk, "about to marry")
    page = open_tab(ben, talk.path)
    hers = open_tab(eva, "/profile")
    hers.get_by_label("Your name").fill("Eva Marie")
    hers.locator("form", has=hers.get_by_label("Your name")).get_by_role("button").click()
    expect(message(page, "about to marry").locator(".author")).to_have_text("Eva Marie")
    expect(item(page, talk.id).locator(".name")).to_have_text("Eva Marie")
    expect(page.get_by_role("heading", name="Eva Marie", level=1)).to_be_visible()
    expect(composer(page)).to_have_accessible_name("Write to Eva Marie")
    assert page.title().endswith("Eva Marie · chatapp")


def test_archived_group_takes_nothing_until_it_is_brought_back(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("archived while open", ben)
    ada.say(talk, "the last words")
    page = open_tab(ben, talk.path)
    composer(page).fill("half a sentence")
    ada.call("PATCH", f"/api/groups/{talk.id}", {"archived": True})
    expect(composer(page)).not_to_be_editable()
    composer(page).press("Enter")  # it can be copied, not sent
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.get_by_role("alert")).to_have_text("This group is archived.")
    expect(item(page, talk.id)).to_have_attribute("data-archived", "")
    late = open_tab(ben, talk.path)
    expect(late.get_by_text("This group is archived")).to_be_visible()
    expect(
        late.get_by_role("link", name=re.compile("archived while open.*Archived"))
    ).to_be_visible()
    expect(composer(late)).to_have_count(0)

    ada.call("PATCH", f"/api/groups/{talk.id}", {"archived": False})
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(item(page, talk.id)).not_to_have_attribute("data-archived", "")
    expect(composer(page)).to_have_value("half a sentence")
    composer(page).press("Enter")
    expect_texts(page, ["the last words", "half a sentence"])
    send(late, "and on")
    expect_texts(page, ["half a sentence", "and on"])


@pytest.mark.parametrize("width", [360, 1280])
def test_day_that_sticks_stays_below_the_line_of_the_connection(
    ada: Person, ben: Person, signed_in: SignedIn, width: int, faults: None
) -> None:
    talk = ada.group("a long day", ben)
    fill(talk, ben, 60)
    context = signed_in(ben, viewport={"width": width, "height": 740})
    page = live_tab(context, talk.path)
    pill, line = page.locator(".day time").last, page.locator("[data-connection]")
    expect(pill).to_be_in_viewport()
    context.set_offline(True)
    connection(page, "offline")
    expect(line).to_be_visible()
    assert edge(pill, "top") >= edge(line, "bottom")
    context.set_offline(False)
    connection(page, "live")
    context.clear_cookies()
    page.evaluate("() => dispatchEvent(new Event('online'))")  # makes the stream anew
    connection(page, "signed-out")
    expect(line).to_contain_text("Sign in again")  # on a phone, two lines
    assert edge(pill, "top") >= edge(line, "bottom")


def edge(thing: Locator, which: str) -> float:
    where: float = thing.evaluate(f"thing => thing.getBoundingClientRect().{which}")
    return where
