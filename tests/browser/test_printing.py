"""A conversation on paper: all of what the page shows, and none of what one clicks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import live_tab
from tests.browser.page import composer, message
from tests.browser.people import Person
from tests.browser.test_reading import fill

SignedIn = Callable[..., BrowserContext]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_message_of_the_page_is_printed(
    ada: Person, ben: Person, signed_in: SignedIn, scheme: str
) -> None:
    talk = ada.group("on paper", ben)
    fill(talk, ben, 45)
    page = live_tab(signed_in(ben, color_scheme=scheme), talk.path)
    expect(message(page, "line 000")).not_to_be_in_viewport()
    page.emulate_media(media="print")
    for gone in (composer(page), page.locator(".side"), page.get_by_role("button")):
        expect(gone.first).to_be_hidden()
    expect(page.get_by_role("heading", name="on paper", level=1)).to_be_visible()
    # Nothing scrolls on paper: what lies outside of a box with an edge is lost.
    page.set_viewport_size({"width": 700, "height": 10_000})
    for text in ("line 000", "line 044"):
        expect(message(page, text)).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 700, "height": 800})
    assert page.evaluate("document.documentElement.scrollHeight") > 1600
    page.emulate_media(media=None)
    assert page.pdf().count(b"/Type /Page\n") > 1
