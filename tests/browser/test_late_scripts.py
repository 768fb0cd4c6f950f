"""Scripts that a page fetches only when it needs them, on a network that fails just then."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import message
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
