"""Cut off in every way, and back with nothing lost and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import (
    NOTHING_WAITS,
    composer,
    connection,
    expect_texts,
    leave_waiting,
    message,
    send,
    stand_at,
    texts,
)
from tests.browser.people import Person
from tests.support.server import Server

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def client_id(post: Request) -> str:
    return str(json.loads(post.post_data or "{}")["clientId"])


def test_missed_while_offline_appears_in_order_once(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("offline", ben)
    context = signed_in(ben)
    page = live_tab(context, talk.path)
    ada.say(talk, "before")
    expect_texts(page, ["before"])
    context.set_offline(True)
    connection(page, "offline")
    expect(page.locator("[data-connection]")).to_have_text("Offline - what you write is kept")
    for text in ("missed 1", "missed 2", "missed 3"):
        ada.say(talk, text)
    assert texts(page) == ["before"]
    context.set_offline(False)
    connection(page, "live")
    expect_texts(page, ["before", "missed 1", "missed 2", "missed 3"])
    expect(page.locator("[data-connection]")).to_have_text("Live again")
    expect(page.locator("[data-connection]")).to_be_hidden()


def test_server_killed_and_started_again(
    ada: Person, ben: Person, open_tab: OpenTab, server: Server, faults: None
) -> None:
    talk = ada.group("killed", ben)
    hers, his = open_tab(ada, talk.path), open_tab(ben, talk.path)
    for page in (hers, his):
        page.evaluate("window.sameDocument = true")
    send(hers, "before the crash")
    expect_texts(his, ["before the crash"])
    composer(his).fill("half a sentence")
    server.kill()
    connection(his, "reconnecting")
    send(hers, "during the crash")
    expect(message(hers, "during the crash").locator(".failure")).to_be_visible()
    server.start()
    connection(hers, "live")
    connection(his, "live")
    send(hers, "after the crash")
    wanted = ["before the crash", "during the crash", "after the crash"]
    expect_texts(hers, wanted)
    expect_texts(his, wanted)
    assert ada.hear(talk) == wanted
    expect(composer(his)).to_have_value("half a sentence")
    assert hers.evaluate("window.sameDocument")
    assert his.evaluate("window.sameDocument")


def test_typed_text_survives_reload_and_belongs_to_its_conversation(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk, other = ada.group("draft", ben), ada.group("no draft", ben)
    page = open_tab(ben, talk.path)
    composer(page).fill("not done yet")
    page.goto(other.path)
    expect(composer(page)).to_have_value("")
    page.goto(talk.path)
    expect(composer(page)).to_have_value("not done yet")
    send(page, "done now")
    expect_texts(page, ["done now"])
    page.reload()
    expect_texts(page, ["done now"])
    expect(composer(page)).to_have_value("")


def test_failed_send_offers_to_try_again_with_the_same_client_id(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("failed", ben)
    page = open_tab(ben, talk.path)
    sent: list[str] = []

    def refuse(route: Route) -> None:
        sent.append(client_id(route.request))
        route.fulfill(status=403, json={"title": "Forbidden"})

    page.route("**/api/messages", refuse)
    send(page, "please arrive")
    row = message(page, "please arrive")
    expect(row.get_by_role("button", name="Try again")).to_be_visible()
    expect(row.locator(".failure")).to_contain_text("Not sent")
    page.unroute("**/api/messages")
    with page.expect_request("**/api/messages") as again:
        row.get_by_role("button", name="Try again").click()
    assert client_id(again.value) == sent[0]
    expect_texts(page, ["please arrive"])


def test_lost_answer_is_made_up_for_by_the_stream(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("lost answer", ben)
    page = open_tab(ben, talk.path)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        expect_texts(page, ["only once"])  # the stream is quicker than the loss
        route.abort()

    page.route("**/api/messages", lose_the_answer)
    send(page, "only once")
    page.wait_for_function(NOTHING_WAITS)
    expect_texts(page, ["only once"])
    assert ben.hear(talk) == ["only once"]
    page.unroute_all(behavior="wait")


def test_lost_answer_without_a_stream_does_not_send_twice(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("lost answer, no stream", ben)
    page = signed_in(ben).new_page()
    page.route("**/api/sse?**", leave_waiting)
    page.goto(talk.path)
    ids: list[str] = []

    def lose_first_answer(route: Route) -> None:
        ids.append(client_id(route.request))
        if len(ids) > 1:
            return route.continue_()
        route.fetch()
        return route.abort()

    page.route("**/api/messages", lose_first_answer)
    send(page, "only once")
    page.wait_for_function(NOTHING_WAITS)
    assert len(ids) == 2
    assert ids[0] == ids[1]
    page.unroute("**/api/sse?**")
    expect_texts(page, ["only once"])
    assert ben.hear(talk) == ["only once"]
    page.unroute_all(behavior="wait")


def test_lost_answer_to_what_the_page_shows_already_leaves_nothing_on_its_way(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("lost answer, seen", ben)
    page = signed_in(ben).new_page()
    page.route("**/api/sse?**", leave_waiting)
    page.goto(talk.path)
    cursor = page.locator("body").get_attribute("data-cursor") or ""

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/messages", lose_the_answer)
    send(page, "only once")
    expect(message(page, "only once").locator(".failure")).to_be_visible()
    # The page comes with the message, and its stream brings it, too.
    stand_at(page, talk.path, cursor)
    page.unroute("**/api/sse?**")
    page.reload()
    page.wait_for_function(NOTHING_WAITS)
    connection(page, "live")
    expect_texts(page, ["only once"])
    page.unroute_all(behavior="wait")  # what is tried once more may be on its way just now


def test_outbox_survives_a_reload_and_sends_in_order(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("outbox", ben)
    context = signed_in(ben)
    page = live_tab(context, talk.path)
    page.route("**/api/messages", lambda route: route.abort())
    wanted = ["kept 1", "kept 2", "kept 3"]
    for text in wanted:
        send(page, text)
    expect(message(page, "kept 1").locator(".failure")).to_be_visible()
    page.reload()
    page.wait_for_function("() => document.querySelectorAll('.message.pending').length === 3")
    page.unroute("**/api/messages")
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect_texts(page, wanted)
    assert ben.hear(talk) == wanted


def test_deletion_whose_answer_was_lost_is_done_when_it_is_tried_again(
    ada: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("deleted twice")
    ada.say(talk, "a slip")
    page = open_tab(ada, talk.path)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/messages/*", lose_the_answer, times=1)
    message(page, "a slip").hover()
    message(page, "a slip").locator(".delete").click()
    question = page.get_by_role("dialog")
    question.get_by_role("button", name="Delete").click()
    expect(question.get_by_role("alert")).to_contain_text("Not deleted")
    expect(message(page, "a slip")).to_have_count(0)  # the stream knows better
    question.get_by_role("button", name="Delete").click()
    expect(question).to_have_count(0)
