"""Who is typing fades by itself: nobody says that they stopped."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import wait_live
from tests.browser.page import composer
from tests.browser.people import Person, Team


def test_typing_ends_by_itself(
    ada: Person,
    ben: Person,
    open_tab: Callable[..., Page],
    signed_in: Callable[..., BrowserContext],
) -> None:
    talk = ada.group("typing, then silence", ben)
    ben.say(talk, "known by name")
    hers = signed_in(ada).new_page()
    hers.clock.install()
    hers.goto(talk.path)
    wait_live(hers)
    composer(open_tab(ben, talk.path)).press_sequentially("Hm")
    expect(hers.locator("[data-typing]")).to_have_text("Ben is typing…")
    hers.clock.run_for(10_000)
    expect(hers.locator("[data-typing]")).to_have_text("")


def test_who_types_before_a_word_was_said_is_named_as_in_the_list(
    ada: Person, team: Team, open_tab: Callable[..., Page]
) -> None:
    tia = team.person("tia")
    for talk in (ada.write_to(tia), ada.group("typing first", tia)):
        page = open_tab(ada, talk.path)
        tia.call("POST", f"/api/conversations/{talk.id}/typing")
        expect(page.locator("[data-typing]")).to_have_text("Tia is typing…")
