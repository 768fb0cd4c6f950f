"""The list at the side counts each message once, however it hears of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import FOREIGN, connection, expect_texts, expect_uncovered, item, stand_at
from tests.browser.people import Conversation, Person, Team

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def expect_item(page: Page, talk: Conversation, words: str, unread: str) -> None:
    expect(item(page, talk.id).locator(".last-words")).to_have_text(words)
    expect(item(page, talk.id).locator(".unread-count")).to_have_text(unread)


def test_message_that_a_list_loaded_afresh_holds_is_not_counted_again(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    here, there = ada.group("reset here", ben), ada.group("counted there", ben)
    page = signed_in(ben).new_page()
    stand_at(page, here.path, FOREIGN)

    def say_before(route: Route) -> None:
        for text in ("one", "two"):
            ada.say(there, text)
        route.continue_()

    page.route("**/api/conversations", say_before, times=1)
    page.goto(here.path)
    connection(page, "live")
    expect_item(page, there, "Ada: two", "2")
    ada.say(here, "behind them on the stream")
    expect_texts(page, ["behind them on the stream"])
    expect_item(page, there, "Ada: two", "2")
    ada.say(there, "three")
    expect_item(page, there, "Ada: three", "3")


def test_message_that_comes_while_the_list_is_loaded_stays_in_it(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    here, there = ada.group("deleted here", ben), ada.group("said there", ben)
    ada.say(here, "stays")
    mistake = ada.say(here, "a mistake")
    ada.say(there, "one")
    page = open_tab(ben, here.path)
    expect_item(page, there, "Ada: one", "1")

    def say_after(route: Route) -> None:
        answer = route.fetch()
        ada.say(there, "two")
        expect_item(page, there, "Ada: two", "2")
        route.fulfill(response=answer)

    page.route("**/api/conversations", say_after, times=1)
    ada.call("DELETE", f"/api/messages/{mistake['id']}")
    expect_item(page, here, "Ada: stays", "")  # as the answer has it
    expect_item(page, there, "Ada: two", "2")


def test_list_that_could_not_be_loaded_is_asked_for_again(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("deleted on a bad line", ben)
    mistake = ada.say(talk, "a mistake")
    page = open_tab(ben, talk.path)
    expect_item(page, talk, "Ada: a mistake", "")
    page.route("**/api/conversations", lambda route: route.abort(), times=1)
    ada.call("DELETE", f"/api/messages/{mistake['id']}")
    expect_item(page, talk, "", "")


def test_first_message_of_a_conversation_that_began_meanwhile_is_counted(
    ada: Person, team: Team, signed_in: SignedIn, faults: None
) -> None:
    gil = team.person("gil")
    context = signed_in(gil)
    page = live_tab(context, "/conversations")
    context.set_offline(True)
    connection(page, "offline")
    talk = ada.write_to(gil)
    ada.say(talk, "hello")
    context.set_offline(False)
    expect_item(page, talk, "hello", "1")
    ada.say(talk, "are you there?")
    expect_item(page, talk, "are you there?", "2")


@pytest.mark.parametrize("width", [360, 1280])
def test_line_that_says_offline_covers_nothing_that_one_may_want(
    ada: Person, team: Team, signed_in: SignedIn, width: int, faults: None
) -> None:
    hal = team.person("hal")
    *_, last = [ada.group(f"list of {number}", hal) for number in range(12)]
    context = signed_in(hal, viewport={"width": width, "height": 640})
    page = live_tab(context, "/conversations")
    context.set_offline(True)
    line = page.locator("[data-connection]")
    expect(line).to_have_text("Offline - what you write is kept")
    expect_uncovered(line)
    wanted = [page.get_by_role("searchbox"), page.get_by_role("link", name="New message").first]
    wanted += [item(page, last.id), page.get_by_role("link", name="People", exact=True)]
    for thing in wanted:
        expect_uncovered(thing)
    oldest = page.locator(".conversation-item").last
    oldest.evaluate("row => row.parentElement.parentElement.scrollTo(0, 9999)")
    expect_uncovered(oldest)


@pytest.mark.parametrize("path", ["/people", "/groups"])
def test_line_of_two_lines_covers_no_field_of_other_pages(
    ben: Person, signed_in: SignedIn, path: str, faults: None
) -> None:
    context = signed_in(ben, viewport={"width": 360, "height": 640})
    page = live_tab(context, path)
    context.clear_cookies()
    page.evaluate("() => dispatchEvent(new Event('online'))")  # makes the stream anew
    line = page.locator("[data-connection]")
    expect(line).to_contain_text("Sign in again")
    expect_uncovered(line)
    expect_uncovered(page.get_by_role("link", name="Back", exact=True))
    expect_uncovered(page.locator("main .search"))


@pytest.mark.parametrize("width", [360, 1280])
def test_list_is_where_one_left_it_on_the_next_page(
    ada: Person, team: Team, signed_in: SignedIn, width: int
) -> None:
    ina = team.person(f"ina{width}")
    talks = [ada.group(f"row {number}", ina) for number in range(30)]
    context = signed_in(ina, viewport={"width": width, "height": 640})
    page = live_tab(context, "/conversations")
    place = page.locator(".list-scroll")
    place.evaluate("list => list.scrollTo(0, 900)")
    chosen = item(page, talks[10].id)
    expect(chosen).to_be_in_viewport(ratio=1)
    chosen.click()
    page.wait_for_selector("section.conversation")
    if width == 360:
        page.get_by_role("link", name="Back to the conversations").click()
        page.wait_for_selector("[data-page=list]")
    assert place.evaluate("list => list.scrollTop") == 900


def test_open_conversation_is_in_sight_in_a_long_list(
    ada: Person, team: Team, signed_in: SignedIn
) -> None:
    ina = team.person("ina")
    oldest, *_ = [ada.group(f"in sight {number}", ina) for number in range(30)]
    page = signed_in(ina).new_page()
    page.goto(oldest.path)
    expect(item(page, oldest.id)).to_be_in_viewport(ratio=1)


def test_names_from_right_to_left_stand_where_the_others_do(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("قناة للجميع", ben)
    ada.say(talk, "مرحبا بالجميع")
    page = open_tab(ben, talk.path)
    title = page.get_by_role("heading", level=1)
    for name in (title, item(page, talk.id).locator(".name"), page.locator(".beginning .title")):
        expect(name).to_have_css("direction", "rtl")
        expect(name).to_have_css("text-align", "left")
    expect(page.locator(".message .body p").first).to_have_css("text-align", "start")
