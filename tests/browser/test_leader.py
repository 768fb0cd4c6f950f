"""One stream a browser: whoever leads, every tab gets everything."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext

from tests.browser.conftest import live_tab
from tests.browser.page import connection, expect_texts
from tests.browser.people import Person

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
    leader.close()
    for number in range(5):
        ada.say(talk, f"then {number}")
    for page in followers:
        expect_texts(page, ["first", *[f"then {number}" for number in range(5)]])


def test_another_tab_leads_when_the_leader_freezes(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("leader freezes", ben)
    context = signed_in(ben)
    leader, follower = live_tab(context, talk.path), live_tab(context, talk.path)
    freezer = context.new_cdp_session(leader)
    freezer.send("Page.setWebLifecycleState", {"state": "frozen"})
    for number in range(5):
        ada.say(talk, f"frozen {number}")
    wanted = [f"frozen {number}" for number in range(5)]
    expect_texts(follower, wanted)
    freezer.send("Page.setWebLifecycleState", {"state": "active"})
    expect_texts(leader, wanted)
    connection(leader, "live")
    ada.say(talk, "thawed")
    expect_texts(leader, [*wanted, "thawed"])
    expect_texts(follower, [*wanted, "thawed"])


def test_leader_whose_script_hangs_is_replaced(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("leader hangs", ben)
    context = signed_in(ben)
    leader, follower = live_tab(context, talk.path), live_tab(context, talk.path)
    leader.evaluate(
        "setTimeout(() => { const end = Date.now() + 6000; while (Date.now() < end); }, 0)"
    )
    ada.say(talk, "while it hangs")
    with follower.expect_request("**/api/sse?**"):
        expect_texts(follower, ["while it hangs"])
    expect_texts(leader, ["while it hangs"])


def test_ten_tabs_are_live_and_can_post(ada: Person, ben: Person, signed_in: SignedIn) -> None:
    talk = ada.group("ten tabs", ben)
    context = signed_in(ben)
    tabs = [live_tab(context, talk.path) for _ in range(10)]
    wanted = []
    for number, tab in enumerate(tabs):
        tab.locator("[data-composer] textarea").fill(f"tab {number}")
        tab.locator("[data-composer] textarea").press("Enter")
        wanted.append(f"tab {number}")
        expect_texts(tabs[0], wanted)
    for tab in tabs:
        expect_texts(tab, wanted)


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
