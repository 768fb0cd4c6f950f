"""A conversation on paper: all of what the page shows, and none of what one clicks."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.page import composer, message
from tests.browser.people import Person, fill

OpenTab = Callable[..., Page]


#: What nobody could read if it were light on light.
INKS = """() => ['.message .body', '.message .author', 'h1']
    .map(what => getComputedStyle(document.querySelector(what)).color)"""


def test_every_message_of_the_page_is_printed(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("on paper", ben)
    fill(talk, ben, 45)
    page = open_tab(ben, talk.path)
    expect(message(page, "line 000")).not_to_be_in_viewport()
    page.emulate_media(media="print")
    for gone in (composer(page), page.locator(".side"), page.get_by_role("button")):
        expect(gone.first).to_be_hidden()
    expect(page.get_by_role("heading", name="on paper", level=1)).to_be_visible()
    # Nothing scrolls on paper: what lies outside of a box with an edge is lost.
    page.set_viewport_size({"width": 700, "height": 10_000})
    for text in ("line 000", "line 044"):
        expect(message(page, text)).to_be_in_viewport(ratio=1)
    assert page.pdf().count(b"/Type /Page\n") > 1


def test_links_to_other_pages_are_not_printed(
    ada: Person, ben: Person, signed_in: Callable[..., BrowserContext]
) -> None:
    """Without scripts they stay: a script takes them for what lies beyond, and loads it."""
    talk = ada.group("more than a page on paper", ben)
    fill(talk, ben, 60)
    page = signed_in(ben, java_script_enabled=False).new_page()
    page.goto(talk.path)
    older = page.get_by_role("link", name="Older messages")
    expect(older).to_be_visible()
    page.emulate_media(media="print")
    expect(older).to_be_hidden()
    expect(message(page, "line 059")).to_be_visible()


def test_paper_is_light_for_who_reads_in_the_dark(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("on paper, by night", ben)
    ada.say(talk, "readable")
    page = open_tab(ben, talk.path, color_scheme="light")
    page.emulate_media(media="print")
    by_day = page.evaluate(INKS)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert page.evaluate(INKS) == by_day
