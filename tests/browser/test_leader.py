"""One stream a browser: whoever leads, every tab gets everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import PLAIN_HOST, live_tab
from tests.browser.leading import HANG, another_leads, crash_as_a_page, crash_as_a_process
from tests.browser.page import connection, expect_texts, send
from tests.browser.people import Conversation, Person, until_streams
from tests.browser.renderer import pid_of, stopped
from tests.browser.unattended import frozen, unattended
from tests.support.server import Server

SignedIn = Callable[..., BrowserContext]


def test_another_tab_leads_when_the_leader_closes(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("leader closes", ben)
    context = signed_in(ben)
    leader, *followers = [live_tab(context, talk.path) for _ in range(3)]
    ada.say(talk, "first")
    for page in followers:
        expect_texts(page, ["first"])
    with another_leads(context, "closed"):
        leader.close()
        for number in range(5):
            ada.say(talk, f"then {number}")
        for page in followers:
            expect_texts(page, ["first", *[f"then {number}" for number in range(5)]])


@pytest.mark.parametrize("crash", [crash_as_a_page, crash_as_a_process])
def test_another_tab_leads_when_the_leader_crashes(
    ada: Person, ben: Person, signed_in: SignedIn, crash: Callable[[Page], None]
) -> None:
    talk = ada.group("leader crashes", ben)
    context = signed_in(ben)
    leader, *followers = [live_tab(context, talk.path) for _ in range(3)]
    ada.say(talk, "before")
    for page in followers:
        expect_texts(page, ["before"])
    wanted = ["before"]
    with another_leads(context, "crashed"):
        crash(leader)
        for number in range(5):
            ada.say(talk, f"then {number}")
            wanted.append(f"then {number}")
    for page in followers:
        expect_texts(page, wanted)
    send(followers[1], "still able to post")
    expect_texts(followers[0], [*wanted, "still able to post"])
    until_streams(ada, talk, 1)


def test_another_tab_leads_when_the_leader_freezes(
    ada: Person, ben: Person, browser: Browser, server: Server, tmp_path: Path
) -> None:
    talk = ada.group("leader freezes", ben)
    with unattended(browser, tmp_path, ben) as context:
        leader = live_tab(context, server.url + talk.path)
        leader.evaluate("document.addEventListener('freeze', () => { window.froze = true; })")
        follower = live_tab(context, server.url + talk.path)
        follower.bring_to_front()
        with another_leads(context, "was frozen"), frozen(leader):
            expect_follower_leads(ada, talk, follower)
        assert leader.evaluate("window.froze")
        expect_leader_back(ada, talk, leader, follower)


def test_another_tab_leads_when_the_leader_is_stopped(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("leader stops", ben)
    context = signed_in(ben)
    leader, follower = live_tab(context, talk.path), live_tab(context, talk.path)
    leaders_process = pid_of(leader)
    assert leaders_process != pid_of(follower)
    with stopped(leaders_process), another_leads(context, "was stopped"):
        expect_follower_leads(ada, talk, follower)
    expect_leader_back(ada, talk, leader, follower)


TAKE_AND_LEAVE = """async () => {
    const link = document.querySelector('link[href*="realtime/election"]');
    const { LockElection } = await import(link.href);
    let leads = false;
    const told = { lead() { leads = true; }, resign() { leads = false; } };
    const election = new LockElection('taken and left', told);
    election.take();
    election.leave();
    await navigator.locks.request('taken and left', { steal: true }, () => {}); // its turn is over
    return leads;
}"""


def test_tab_that_leaves_while_it_takes_the_lead_does_not_lead(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    page = live_tab(signed_in(ben), ada.group("taken and left", ben).path)
    assert page.evaluate(TAKE_AND_LEAVE) is False


FROZEN = [f"frozen {number}" for number in range(5)]


def expect_follower_leads(ada: Person, talk: Conversation, follower: Page) -> None:
    for text in FROZEN:
        ada.say(talk, text)
    expect_texts(follower, FROZEN)


def expect_leader_back(ada: Person, talk: Conversation, leader: Page, follower: Page) -> None:
    leader.bring_to_front()
    expect_texts(leader, FROZEN)
    connection(leader, "live")
    ada.say(talk, "thawed")
    for page in (leader, follower):
        page.bring_to_front()
        expect_texts(page, [*FROZEN, "thawed"])
    until_streams(ada, talk, 1)


def test_leader_whose_script_hangs_is_replaced(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("leader hangs", ben)
    context = signed_in(ben)
    leader, follower = live_tab(context, talk.path), live_tab(context, talk.path)
    with another_leads(context, "hung"):
        leader.evaluate(HANG)
        ada.say(talk, "while it hangs")
        expect_texts(follower, ["while it hangs"])
    expect_texts(leader, ["while it hangs"])


@pytest.mark.parametrize("place", ["localhost", "plain"])
def test_ten_tabs_are_live_on_one_stream_and_can_post(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn, place: str
) -> None:
    talk = ada.group("ten tabs", ben)
    context = in_plain_http(signed_in, ben, server) if place == "plain" else signed_in(ben)
    tabs = [live_tab(context, talk.path) for _ in range(10)]
    wanted = []
    for number, tab in enumerate(tabs):
        tab.locator("[data-composer] textarea").fill(f"tab {number}")
        tab.locator("[data-composer] textarea").press("Enter")
        wanted.append(f"tab {number}")
        expect_texts(tabs[0], wanted)
    for tab in tabs:
        expect_texts(tab, wanted)
    until_streams(ada, talk, 1)


def in_plain_http(signed_in: SignedIn, person: Person, server: Server) -> BrowserContext:
    """A browser that came by plain HTTP from another machine: it has no Web Locks."""
    cookies = [{**cookie, "domain": PLAIN_HOST} for cookie in person.cookies["cookies"]]
    state = {"cookies": cookies, "origins": []}
    url = f"http://{PLAIN_HOST}:{server.port}"
    return signed_in(person, base_url=url, storage_state=state)


@pytest.mark.parametrize("end", ["closes", "crashes", "leaves", "hangs"])
def test_without_locks_another_tab_leads_when_the_leader_goes(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn, end: str
) -> None:
    talk = ada.group("leader goes", ben)
    context = in_plain_http(signed_in, ben, server)
    leader, *followers = [live_tab(context, talk.path) for _ in range(3)]
    assert leader.evaluate("!isSecureContext && !navigator.locks")
    until_streams(ada, talk, 1)
    with context.expect_event("request", lambda asked: "/api/sse" in asked.url):
        if end == "closes":
            leader.close()
        elif end == "crashes":
            crash_as_a_process(leader)
        elif end == "leaves":
            leader.goto("about:blank")
        else:
            leader.evaluate(HANG)
        ada.say(talk, "meanwhile")
    for page in followers:
        expect_texts(page, ["meanwhile"])
    if end == "hangs":
        expect_texts(leader, ["meanwhile"])
    until_streams(ada, talk, 1)
    ada.say(talk, "afterwards")
    for page in followers:
        expect_texts(page, ["meanwhile", "afterwards"])


def test_two_people_in_one_browser_share_nothing(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("two people", ben)
    hers, his = signed_in(ada), signed_in(ben)
    names = [
        live_tab(context, talk.path).evaluate(
            "navigator.locks.query().then(({held}) => held.map(({name}) => name))"
        )
        for context in (hers, his)
    ]
    assert names[0] != names[1]
    assert ada.id in names[0][0]
    assert ben.id in names[1][0]
