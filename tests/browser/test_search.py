"""Finding people and groups while typing: what is asked for last is what shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import live_tab
from tests.browser.page import connection, held, until_held
from tests.browser.people import Conversation, Person, Team

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]

FRAGMENT = "**/conversations?q=*"


def field(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search people and groups")


def results(page: Page) -> Locator:
    return page.locator("[data-search-results]")


@pytest.fixture(scope="module")
def custard(team: Team) -> Conversation:
    """One of two groups that Ben may look for."""
    ada, ben = team.person("ada"), team.person("ben")
    ada.group("rhubarb pie", ben)
    return ada.group("custard", ben)


@pytest.fixture
def page(ben: Person, custard: Conversation, open_tab: OpenTab) -> Page:
    """Ben's page."""
    return open_tab(ben, custard.path)


def test_people_and_groups_are_found_while_typing(page: Page) -> None:
    field(page).press_sequentially("hubar")
    expect(results(page).get_by_role("link")).to_have_count(1)  # "h" alone finds others, too
    expect(results(page).get_by_role("link")).to_contain_text("rhubarb pie")
    expect(page.locator("[data-conversation-list]")).to_be_hidden()
    field(page).press("Escape")
    expect(page.locator("[data-conversation-list]")).to_be_visible()
    field(page).press_sequentially("ad")
    results(page).get_by_role("button", name="Ada").click()
    expect(page.locator("section.conversation[data-kind=dm]")).to_be_visible()
    expect(page.get_by_role("heading", name="Ada", level=1)).to_be_visible()


def test_who_makes_a_group_finds_people_without_losing_what_was_typed(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    page = open_tab(ben, "/groups/new")
    name = page.get_by_role("textbox", name="Name")
    name.fill("searched for")
    page.get_by_label("Ada").check()
    search = page.get_by_role("searchbox", name="Search by name")
    search.fill("nobody at all")
    expect(page.get_by_label("Ada")).to_be_hidden()
    search.press("Enter")
    expect(search).to_have_value("nobody at all")
    expect(search).to_be_focused()
    expect(page.get_by_label("Ada")).to_be_checked()
    name.press("Enter")
    expect(page.get_by_role("heading", name="searched for", level=1)).to_be_visible()


def test_search_goes_on_where_the_server_found_nobody(ben: Person, open_tab: OpenTab) -> None:
    page = open_tab(ben, "/direct-messages/new?people=xyzzy")
    search = page.get_by_role("searchbox", name="Search by name")
    search.press("End")
    search.press("Backspace")
    expect(page.get_by_role("status").filter(has_text="0 found")).to_be_attached()
    expect(page.get_by_text("Nobody is called that.")).to_be_visible()


def test_late_answer_covers_neither_a_later_one_nor_the_list(page: Page) -> None:
    asked = held(page, FRAGMENT)
    field(page).fill("custard")
    until_held(page, asked, 1)
    field(page).fill("rhubarb")
    until_held(page, asked, 2)
    asked[1].continue_()
    expect(results(page).get_by_role("link")).to_contain_text("rhubarb pie")
    asked[0].fulfill(body="<p>late</p>")
    field(page).fill("custard and more")
    until_held(page, asked, 3)
    expect(results(page)).to_contain_text("rhubarb pie")
    field(page).press("Escape")
    expect(field(page)).to_have_value("")
    expect(page.locator("[data-conversation-list]")).to_be_visible()
    asked[2].fulfill(body="<p>late</p>")
    page.evaluate("() => fetch('/healthz')")
    expect(results(page)).to_be_empty()


def test_search_that_finds_nobody_to_ask_says_so(page: Page, faults: None) -> None:
    field(page).press_sequentially("rhu")
    expect(results(page).get_by_role("link")).to_contain_text("rhubarb pie")
    page.route(FRAGMENT, lambda route: route.abort())
    field(page).press_sequentially("bar")
    expect(results(page)).to_have_text("The server cannot be reached.")
    page.unroute(FRAGMENT)
    field(page).press_sequentially("b")
    expect(results(page).get_by_role("link")).to_contain_text("rhubarb pie")


def test_search_of_who_is_signed_out_shows_no_other_page(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    context = signed_in(ben)
    page = live_tab(context, ada.group("looked for signed out", ben).path)
    context.clear_cookies()
    with page.expect_response(lambda answer: "/sign-in" in answer.url):
        field(page).press_sequentially("ada")
    page.evaluate("() => fetch('/healthz')")
    expect(results(page)).to_be_empty()
    page.evaluate("() => dispatchEvent(new Event('online'))")  # makes the stream anew
    connection(page, "signed-out")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_how_many_were_found_is_said_aloud(page: Page) -> None:
    field(page).press_sequentially("hubar")
    told = page.get_by_role("search").get_by_role("status")
    expect(told).to_have_text("1 found")
    field(page).fill("nobody at all")
    expect(told).to_contain_text("Nothing is called")
    field(page).press("Escape")
    expect(told).to_have_text("")


def test_names_in_a_page_are_found_as_the_server_finds_them(ada: Person, open_tab: OpenTab) -> None:
    ada.group("Ábaco Ñandú")
    page = open_tab(ada, "/groups")
    by_name = page.get_by_role("searchbox", name="Search by name")
    rows = page.locator(".rows > li:visible")
    by_name.fill("abaco nan")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Ábaco Ñandú")


def test_filter_looks_at_names_and_says_when_none_is_left(ada: Person, open_tab: OpenTab) -> None:
    page = open_tab(ada, "/people")
    by_name = page.get_by_role("searchbox", name="Search by name")
    rows = page.locator(".rows > li:visible")
    told = page.locator("main").get_by_role("status")
    by_name.fill("message")  # as a button in each row says
    expect(rows).to_have_count(0)
    expect(page.get_by_text("None listed here").last).to_be_in_viewport()
    expect(told).to_contain_text("None listed here")
    by_name.fill("ada")
    expect(rows).to_have_count(1)
    expect(told).to_have_text("1 found")
