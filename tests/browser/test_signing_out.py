"""Sessions that end, and begin again, while tabs are open."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import live_tab
from tests.browser.page import composer, connection, message, send
from tests.browser.people import Person, Team, sign_in

SignedIn = Callable[..., BrowserContext]

CSRF = "[data-sign-out] [name=csrf_token]"
#: What is kept in the browser of anybody's words.
KEPT = "() => Object.keys(localStorage).filter((key) => /:(draft|out):/.test(key))"


def test_session_that_was_ended_is_said_and_what_is_typed_stays(
    team: Team, ada: Person, signed_in: SignedIn, faults: None
) -> None:
    dora = team.person("dora")
    talk = ada.group("signed out", dora)
    context = signed_in(dora, storage_state=dora.signed_in_anew())
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
    team: Team, ada: Person, signed_in: SignedIn, faults: None
) -> None:
    dora = team.person("dora")
    talk, other = ada.group("signing out", dora), ada.group("signing out elsewhere", dora)
    context = signed_in(dora, storage_state=dora.signed_in_anew())
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
    team: Team, ada: Person, signed_in: SignedIn
) -> None:
    dora = team.person("dora")
    talk = ada.group("signing out at once", dora)
    page = live_tab(signed_in(dora, storage_state=dora.signed_in_anew()), talk.path)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(KEPT) == []
