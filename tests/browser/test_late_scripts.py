"""Scripts that a page fetches only when it needs them, on a network that fails just then."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import live_tab, wait_live
from tests.browser.page import composer, message
from tests.browser.people import Person

SignedIn = Callable[..., BrowserContext]


def test_what_is_fetched_later_is_fetched_again_where_that_failed(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.write_to(ben)
    ada.say(talk, "to change")
    context = signed_in(ada)
    late = {"presence.js": 2, "editing.js": 1}

    def fail_at_first(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        late[name] -= 1
        if late[name] >= 0:
            route.abort("connectionreset")
        else:
            route.continue_()

    for name in late:
        context.route(f"**/{name}", fail_at_first)
    page = context.new_page()
    with page.expect_event("requestfinished", lambda asked: "/presence.js" in asked.url):
        page.goto(talk.path)
    live_tab(signed_in(ben), "/conversations")
    expect(page.locator(f'.bar .online[data-person="{ben.id}"]')).to_be_visible()
    message(page, "to change").hover()
    message(page, "to change").locator(".edit").click()
    expect(page).to_have_url(re.compile("/messages/[^/]+/edit$"))  # the page that does the same
    expect(page.get_by_role("textbox", name="Text")).to_have_value("to change")


@pytest.mark.parametrize("script", ["main.js", "outbox.js"])
def test_page_whose_script_does_not_come_says_so_and_works_without(
    ada: Person, ben: Person, signed_in: SignedIn, script: str, faults: None
) -> None:
    talk = ada.group("no script", ben)
    page = signed_in(ben).new_page()
    page.route(f"**/{script}", lambda route: route.abort("connectionreset"))
    page.goto(talk.path)
    line = page.get_by_role("status")
    expect(line).to_contain_text("could not be fetched: it works, but is not live")
    composer(page).fill("by form")
    page.get_by_role("button", name="Send").click()
    expect(message(page, "by form")).to_be_visible()
    again = line.get_by_role("link", name="Load it again")
    expect(again).to_be_visible()
    page.unroute(f"**/{script}")
    again.click()
    wait_live(page)
    expect(line).to_be_hidden()
    ada.say(talk, "live")
    expect(message(page, "live")).to_be_visible()
