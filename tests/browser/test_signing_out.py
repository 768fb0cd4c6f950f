"""Sessions that end, and begin again, while tabs are open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import (
    asked_for,
    composer,
    connection,
    expect_texts,
    held,
    message,
    send,
    until_held,
)
from tests.browser.people import Person, Team, sign_in, until_streams

SignedIn = Callable[..., BrowserContext]

CSRF = "[data-sign-out] [name=csrf_token]"
#: What is kept in the browser of anybody's words.
KEPT = "() => Object.keys(localStorage).filter((key) => /:(draft|out):/.test(key))"


@pytest.fixture
def dora(team: Team) -> Person:
    """Somebody whose sessions these tests end, and who is in none of the others."""
    return team.person("dora")


@pytest.fixture
def context(dora: Person, signed_in: SignedIn) -> BrowserContext:
    """Her browser, in a session of its own."""
    return signed_in(dora, storage_state=dora.signed_in_anew())


def test_session_that_was_ended_is_said_and_what_is_typed_stays(
    ada: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk = ada.group("signed out", dora)
    page = live_tab(context, talk.path)
    composer(page).fill("half a sentence")
    context.request.post("/sign-out", form={"csrf_token": page.locator(CSRF).input_value()})
    connection(page, "signed-out")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(composer(page)).to_have_value("half a sentence")
    page.get_by_role("link", name="Sign in again").click()
    sign_in(page, dora.name)
    page.goto(talk.path)
    expect(composer(page)).to_have_value("half a sentence")


def test_signing_out_leaves_nothing_behind(
    ada: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk, other = ada.group("signing out", dora), ada.group("signing out elsewhere", dora)
    page, elsewhere = live_tab(context, talk.path), live_tab(context, other.path)
    context.route("**/api/messages", lambda route: route.abort())
    composer(elsewhere).fill("half a sentence")
    send(page, "not sent yet")
    expect(message(page, "not sent yet").locator(".failure")).to_be_visible()

    sign_out = page.get_by_role("button", name="Sign out", exact=True)
    sign_out.click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("not sent yet")
    question.get_by_role("button", name="Stay signed in").click()
    expect(question).to_have_count(0)
    assert len(page.evaluate(KEPT)) == 2

    context.route("**/sign-out", lambda route: route.abort())
    sign_out.click()
    question.get_by_role("button", name="Sign out anyway").click()
    expect(question.get_by_role("alert")).to_contain_text("Not signed out")
    assert len(page.evaluate(KEPT)) == 2

    context.unroute("**/sign-out")
    question.get_by_role("button", name="Sign out anyway").click()
    for tab in (page, elsewhere):
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(KEPT) == []
    assert "not sent yet" not in page.content()


def test_signing_out_with_nothing_unsent_asks_nothing(
    ada: Person, dora: Person, context: BrowserContext
) -> None:
    talk = ada.group("signing out at once", dora)
    page = live_tab(context, talk.path)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(KEPT) == []


def test_signing_in_again_in_one_tab_makes_the_other_live_again(
    ada: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk = ada.group("signing in again", dora)
    old = live_tab(context, talk.path)
    composer(old).fill("half a sentence")
    context.request.post("/sign-out", form={"csrf_token": old.locator(CSRF).input_value()})
    connection(old, "signed-out")
    new = context.new_page()
    new.goto("/sign-in")
    sign_in(new, dora.name)
    new.goto(talk.path)
    for tab in (old, new):
        connection(tab, "live")
    expect(composer(old)).to_have_value("half a sentence")
    send(old, "from the old tab")
    send(new, "from the new one")
    for tab in (old, new):
        expect_texts(tab, ["from the old tab", "from the new one"])
    old.get_by_role("button", name="Sign out").click()
    for tab in (old, new):
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


def test_tab_that_leads_signed_out_leaves_it_to_one_that_is_signed_in(
    ada: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk = ada.group("signed out and leading", dora)
    # Without the browser's storage no tab tells the other that somebody signed in.
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get: () => null})")
    old = live_tab(context, talk.path)
    context.request.post("/sign-out", form={"csrf_token": old.locator(CSRF).input_value()})
    connection(old, "signed-out")
    new = context.new_page()
    new.goto("/sign-in")
    sign_in(new, dora.name)
    new.goto(talk.path)
    connection(new, "live")


def test_tab_of_who_comes_back_after_somebody_else_is_live_again(
    ada: Person, ben: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk = ada.group("somebody else in between", dora)
    old = live_tab(context, talk.path)
    other = context.new_page()

    def change_to(person: Person) -> None:
        token = (old if person is ben else other).locator(CSRF).input_value()
        context.request.post("/sign-out", form={"csrf_token": token})
        other.goto("/sign-in")
        sign_in(other, person.name)

    change_to(ben)
    connection(old, "signed-out")
    change_to(dora)
    connection(old, "live")
    send(old, "back again")
    expect_texts(old, ["back again"])


def test_stream_rests_before_its_session_ends(
    ada: Person, dora: Person, context: BrowserContext
) -> None:
    talk = ada.group("resting", dora)
    page = live_tab(context, talk.path)

    def once_it_rests(route: Route) -> None:
        until_streams(ada, talk, 0)
        route.continue_()

    page.route("**/sign-out", once_it_rests)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_waits_for_a_script_that_comes_late_and_then_asks(
    ada: Person, dora: Person, context: BrowserContext, faults: None
) -> None:
    talk = ada.group("signing out on a bad line", dora)
    page = context.new_page()
    page.clock.install()
    scripts = held(page, "**/sign_out.js")
    ended = asked_for(page, "/sign-out")
    page.goto(talk.path)
    connection(page, "live")
    composer(page).fill("half a sentence")
    button = page.get_by_role("button", name="Sign out")
    button.click()
    until_held(page, scripts, 1)
    scripts[0].abort()
    page.evaluate("() => fetch('/healthz')")
    assert ended == []
    page.clock.run_for(1000)  # no more than the first wait
    until_held(page, scripts, 2)
    scripts[1].continue_()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("not sent yet")
    assert ended == []
    question.get_by_role("button", name="Sign out anyway").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(KEPT) == []


def test_half_an_edit_of_what_was_deleted_meanwhile_keeps_nobody_from_signing_out(
    ada: Person, dora: Person, context: BrowserContext
) -> None:
    talk = ada.group("signing out after an edit", dora)
    said = dora.say(talk, "a mistake")
    page = live_tab(context, talk.path)
    composer(page).press("ArrowUp")
    page.get_by_role("textbox", name="Edit the message").fill("half an edit")
    assert len(page.evaluate(KEPT)) == 1
    dora.call("DELETE", f"/api/messages/{said['id']}")
    expect(message(page, "a mistake")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
