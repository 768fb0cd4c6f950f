"""What fingers meet on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import live_tab
from tests.browser.page import composer, message
from tests.browser.people import Person, Team, fill

SignedIn = Callable[..., BrowserContext]

#: Pixels that a finger needs.
TARGET = 44


@pytest.fixture
def phone(ben: Person, signed_in: SignedIn) -> BrowserContext:
    return signed_in(ben, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)


def test_tap_beside_a_message_leads_nowhere(
    ada: Person, ben: Person, phone: BrowserContext
) -> None:
    talk = ada.group("tapped", ben)
    ada.say(talk, "the first line of a block")
    ada.say(talk, "the second, whose time is not in sight")
    page = live_tab(phone, talk.path)
    box = message(page, "the second").locator(".permalink").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    composer(page).tap()  # which a page that is being left would not take
    expect(page.get_by_role("heading", name="tapped")).to_be_visible()


def test_ways_to_other_pages_of_a_conversation_are_large_enough_for_a_finger(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("plain and touched", ben)
    first = ada.say(talk, "the first words")["id"]
    fill(talk, ben, 70)
    context = signed_in(
        ben, viewport={"width": 360, "height": 740}, has_touch=True, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"{talk.path}?around={first}")
    for name in ("Newer messages", "Jump to the newest"):
        box = page.get_by_role("link", name=name).bounding_box()
        assert box
        assert box["height"] >= TARGET


def test_who_is_put_out_while_looking_at_details_is_told(
    ada: Person, ben: Person, phone: BrowserContext
) -> None:
    talk = ada.group("put out of sight", ben)
    page = live_tab(phone, f"{talk.path}/details")
    expect(page.get_by_role("button", name="Leave the group")).to_be_visible()
    ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    told = page.get_by_role("alert").filter(has_text="You are no longer in this conversation.")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Leave the group")).to_have_count(0)
    ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [ben.id]})
    expect(page.get_by_role("button", name="Leave the group")).to_be_visible()


def test_long_name_leaves_a_message_on_its_own_page_in_sight(
    ada: Person, team: Team, phone: BrowserContext, ben: Person
) -> None:
    long = team.person("wolfeschlegelsteinhausenbergerdorff")
    said = long.say(ada.group("long names", long, ben), "Words that fill a line and then some more")
    page = live_tab(phone, f"/messages/{said['id']}")
    body = message(page, "Words that fill").locator(".body")
    expect(body).to_be_in_viewport(ratio=1)
    sides = body.evaluate("body => [body.getBoundingClientRect().right, innerWidth]")
    assert sides[0] <= sides[1]
    # In line with what is around it.
    edges = [
        page.locator(".page .avatar").bounding_box(),
        page.locator(".page .button").bounding_box(),
    ]
    assert len({round(edge["x"]) for edge in edges if edge}) == 1
