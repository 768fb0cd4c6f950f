"""Who is online: a dot for the eye, a word for the ear, in each place and each tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import live_tab, wait_live
from tests.browser.page import connection, expect_nothing_found, held, run_until_live
from tests.browser.people import Conversation, Person, Team
from tests.support.databases import Databases
from tests.support.sabotage import sabotage
from tests.support.server import Server
from tests.support.wait import until

QUICK = """
from chatapp.realtime import heartbeat
heartbeat.INTERVAL = 1
BEAT, GRACE = 0.1, 0.3
"""

SignedIn = Callable[..., BrowserContext]
OpenTab = Callable[..., Page]


@pytest.fixture(scope="module")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that notices soon who has left, and tells."""
    folder = tmp_path_factory.mktemp("presence")
    quick = sabotage(folder / "quick", "chatapp.realtime.presence", QUICK)
    data = folder / "data"
    data.mkdir()
    databases.make(data)
    with Server(data, None, CHAT_STREAMS_PER_USER="100", **quick) as running:
        yield running


@pytest.fixture(scope="module")
def team(server: Server, browser: Browser) -> Iterator[Team]:
    team = Team(server, browser)
    yield team
    team.close()


@pytest.fixture
def dm(ada: Person, ben: Person) -> Conversation:
    return ada.write_to(ben)


def sign(page: Page, place: str, person: Person) -> Locator:
    """The sign of somebody's presence in a place of the page."""
    return page.locator(f'{place} .online[data-person="{person.id}"]')


def listens(page: Page) -> None:
    """Wait until the page has what keeps the signs true."""
    wait_live(page)
    page.wait_for_function(
        """() => performance.getEntriesByType('resource')
            .some(({name}) => name.includes('/presence.js'))"""
    )


LIST, HEADER, ROWS = ".conversation-item", "section.conversation .bar", ".rows"


def test_the_dot_comes_and_goes(
    ada: Person, ben: Person, dm: Conversation, open_tab: OpenTab, signed_in: SignedIn
) -> None:
    hers = open_tab(ada, dm.path)
    listens(hers)
    for place in (LIST, HEADER):
        expect(sign(hers, place, ben)).to_be_hidden()
    his = live_tab(signed_in(ben), "/conversations")
    for place in (LIST, HEADER):
        expect(sign(hers, place, ben)).to_be_visible()
        expect(sign(hers, place, ben)).to_have_text("online")
    item = hers.locator(f'{LIST}[data-conversation-id="{dm.id}"]')
    expect(item).to_have_accessible_name("Ben online")
    expect_nothing_found(hers)
    his.close()
    for place in (LIST, HEADER):
        expect(sign(hers, place, ben)).to_be_hidden()
    expect(item).to_have_accessible_name("Ben")


def test_pages_are_drawn_right_without_javascript(
    ada: Person, ben: Person, dm: Conversation, signed_in: SignedIn
) -> None:
    live_tab(signed_in(ben), "/conversations")
    until_online(ada, ben)
    group = ada.group("presence", ben)
    plain = signed_in(ada, java_script_enabled=False).new_page()
    for path, place in (("/people", ROWS), (dm.path, HEADER), (f"{group.path}/details", ROWS)):
        plain.goto(path)
        expect(sign(plain, place, ben)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_people_page_and_the_details_are_live_too(
    ada: Person, ben: Person, signed_in: SignedIn, scheme: str
) -> None:
    group = ada.group("presence in details", ben)
    context = signed_in(ada, color_scheme=scheme)
    pages = [live_tab(context, path) for path in ("/people", f"{group.path}/details")]
    for page in pages:
        listens(page)
    his = live_tab(signed_in(ben), "/conversations")
    for page in pages:  # one of them leads, the other follows
        expect(sign(page, ROWS, ben)).to_be_visible()
        expect_nothing_found(page)
    his.close()
    for page in pages:
        expect(sign(page, ROWS, ben)).to_be_hidden()


def test_a_new_conversation_shows_who_is_online(
    ada: Person, team: Team, open_tab: OpenTab, signed_in: SignedIn
) -> None:
    cleo = team.person("cleo")
    hers = open_tab(ada, "/conversations")
    listens(hers)
    live_tab(signed_in(cleo), "/conversations")
    cleo.write_to(ada)
    expect(sign(hers, LIST, cleo)).to_be_visible()


def test_what_a_page_missed_is_asked_for_when_it_has_connected_again(
    ada: Person,
    ben: Person,
    dm: Conversation,
    server: Server,
    signed_in: SignedIn,
    faults: None,
) -> None:
    his = live_tab(signed_in(ben), "/conversations")
    until_online(ada, ben)
    context = signed_in(ada)
    context.clock.install()
    hers = context.new_page()
    with presence_fetched(context):
        hers.goto(dm.path)
    with presence_fetched(context):
        follower = live_tab(context, "/people")
    wait_live(hers)
    expect(sign(hers, HEADER, ben)).to_be_visible()
    server.kill()
    connection(hers, "reconnecting")
    his.close()
    server.start()
    run_until_live(hers)
    context.clock.run_for(15_000)  # they do not all ask at once
    expect(sign(hers, HEADER, ben)).to_be_hidden()
    expect(sign(follower, ROWS, ben)).to_be_hidden()


def test_question_that_got_no_answer_is_asked_again(
    ada: Person, ben: Person, dm: Conversation, signed_in: SignedIn, faults: None
) -> None:
    his = live_tab(signed_in(ben), "/conversations")
    until_online(ada, ben)
    context = signed_in(ada)
    context.clock.install()
    hers = context.new_page()
    script = held(hers, "**/presence.js")
    hers.goto(dm.path)
    wait_live(hers)
    with hers.expect_request("**/presence.js"):
        hers.clock.run_for(1000)
    expect(sign(hers, HEADER, ben)).to_be_visible()
    his.close()
    until_online(ada, ben, online=False)
    refused: list[Route] = []

    def refuse_twice(route: Route) -> None:
        if len(refused) == 2:
            return route.continue_()
        refused.append(route)
        return route.fulfill(status=503, json={})

    hers.route("**/api/presence?**", refuse_twice)
    with presence_fetched(context):
        script[0].continue_()
    for _ in range(60):  # no wait between them is longer than half a minute
        hers.clock.run_for(1000)
        hers.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer
    expect(sign(hers, HEADER, ben)).to_be_hidden()
    assert len(refused) == 2


def presence_fetched(context: BrowserContext) -> AbstractContextManager[Any]:
    """Wait, in the end, until a page has what keeps the signs true; a set clock hides it itself."""
    return context.expect_event(
        "requestfinished", lambda request: request.url.endswith("/presence.js")
    )


def until_online(asker: Person, person: Person, online: bool = True) -> None:
    """Wait until the server knows it, or that it is over."""
    wanted = [person.id] if online else []
    until(
        lambda: asker.call("GET", f"/api/presence?userId={person.id}")["online"] == wanted,
        f"{person.name} online: {online}",
    )
