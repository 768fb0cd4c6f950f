"""A proxy that swallows the stream, and one that answers 502."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import connection, expect_texts, leave_waiting, send
from tests.browser.people import Person

SignedIn = Callable[..., BrowserContext]


def test_swallowed_stream_is_recognised_and_asked_around(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk, other = ada.group("swallowed", ben), ada.group("elsewhere", ben)
    page = signed_in(ben).new_page()
    page.route("**/api/sse?**", leave_waiting)
    page.goto(talk.path)
    connection(page, "polling")
    expect(page.locator("[data-connection]")).to_contain_text("asking every 2 seconds")
    ada.say(talk, "asked for")
    expect_texts(page, ["asked for"])
    send(page, "and answered")
    expect_texts(page, ["asked for", "and answered"])
    ada.say(other, "psst")
    item = page.locator(f".conversation-item[data-conversation-id={other.id}]")
    expect(item.locator(".unread-count")).to_have_text("1", timeout=20_000)

    page.unroute("**/api/sse?**")  # lets go of what was held
    connection(page, "live")
    expect(page.locator("[data-connection]")).to_be_hidden()
    ada.say(talk, "streamed again")
    expect_texts(page, ["asked for", "and answered", "streamed again"])


def test_stream_comes_back_after_a_502(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("bad gateway", ben)
    context = signed_in(ben)
    page = live_tab(context, talk.path)
    refused: list[str] = []

    def bad_gateway(route: Route) -> None:
        refused.append(route.request.url)
        route.fulfill(status=502, body="Bad Gateway")

    context.route("**/api/**", bad_gateway)
    page.evaluate("() => dispatchEvent(new Event('online'))")  # makes the stream anew
    connection(page, "reconnecting")
    ada.say(talk, "during the 502")
    page.wait_for_event("response", lambda response: "/api/sse" in response.url)
    context.unroute("**/api/**")
    connection(page, "live")
    expect_texts(page, ["during the 502"])
    assert len([url for url in refused if "/api/sse" in url]) >= 2


def test_back_and_forward_find_a_live_page(ada: Person, ben: Person, signed_in: SignedIn) -> None:
    talk = ada.group("back and forth", ben)
    page: Page = live_tab(signed_in(ben), talk.path)
    page.goto("/profile")
    ada.say(talk, "meanwhile")
    page.go_back()
    connection(page, "live")
    expect_texts(page, ["meanwhile"])
    ada.say(talk, "and live")
    expect_texts(page, ["meanwhile", "and live"])
