"""Messages are there at once, exactly once, in every tab."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.conftest import live_tab
from tests.browser.page import composer, connection, expect_texts, message, send
from tests.browser.people import Person

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def test_message_shows_in_the_other_browser_without_reload(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.write_to(ben)
    hers, his = open_tab(ada, talk.path), open_tab(ben, talk.path)
    his.evaluate("window.sameDocument = true")
    send(hers, "Good morning, Ben")
    expect(message(his, "Good morning, Ben")).to_be_visible()
    expect(message(his, "Good morning, Ben").locator(".author")).to_have_text("Ada")
    send(his, "Good morning, Ada")
    expect_texts(hers, ["Good morning, Ben", "Good morning, Ada"])
    assert his.evaluate("window.sameDocument")


def test_one_stream_and_no_polling(ada: Person, ben: Person, signed_in: SignedIn) -> None:
    talk = ada.group("network log", ben)
    context = signed_in(ben)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(_what(request)))
    page = live_tab(context, talk.path)
    before = len(asked)
    for number in range(10):
        ada.say(talk, f"line {number}")
    expect(message(page, "line 9")).to_be_visible()
    assert asked.count("GET /api/sse") == 1
    assert asked.count("GET /api/presence") <= 1  # some seconds after the stream is there
    allowed = {f"POST /api/conversations/{talk.id}/read", "GET /api/presence"}
    assert {what for what in asked[before:] if not what.startswith("GET /static/")} <= allowed


def _what(request: Request) -> str:
    path = request.url.split("/", 3)[3].split("?")[0]
    return f"{request.method} /{path}"


def test_five_quick_messages_each_exactly_once(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("quick", ben)
    hers, his = open_tab(ada, talk.path), open_tab(ben, talk.path)
    wanted = [f"quick {number}" for number in range(5)]
    for text in wanted:
        composer(hers).fill(text)
        composer(hers).press("Enter")
    expect_texts(hers, wanted)
    expect_texts(his, wanted)


def test_reopened_page_is_up_to_date(ada: Person, ben: Person, signed_in: SignedIn) -> None:
    talk = ada.group("reopened", ben)
    context = signed_in(ben)
    page = live_tab(context, talk.path)
    ada.say(talk, "while open")
    expect_texts(page, ["while open"])
    page.close()
    ada.say(talk, "while closed")
    page = live_tab(context, talk.path)
    expect_texts(page, ["while open", "while closed"])


def test_three_tabs_of_one_person_are_all_live_on_one_stream(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("three tabs", ben)
    context = signed_in(ben)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(_what(request)))
    tabs = [live_tab(context, talk.path) for _ in range(3)]
    ada.say(talk, "to all three")
    for tab in tabs:
        expect_texts(tab, ["to all three"])
    for number, tab in enumerate(tabs):
        send(tab, f"from tab {number}")
        expect_texts(tab, [f"from tab {number}"])
    wanted = ["to all three", "from tab 0", "from tab 1", "from tab 2"]
    for tab in tabs:
        expect_texts(tab, wanted)
    assert asked.count("GET /api/sse") == 1


def test_list_follows_what_happens_elsewhere(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    quiet, busy = ada.group("quiet one", ben), ada.group("busy one", ben)
    page = open_tab(ben, quiet.path)
    ada.say(quiet, "here")
    expect_texts(page, ["here"])
    ada.say(busy, "**psst**, over here")
    first = page.locator("[data-conversation-list] > a").first
    expect(first.locator(".name")).to_have_text("busy one")
    expect(first.locator(".last-words")).to_have_text("Ada: psst, over here")
    expect(first.locator(".unread-count")).to_have_text("1")
    page.wait_for_function("() => /^\\(\\d+\\) /.test(document.title)")
    fresh = ada.group("brand new", ben)
    item = page.locator(f"[data-conversation-id={fresh.id}].conversation-item")
    expect(item.locator(".name")).to_have_text("brand new")
    ben.call("DELETE", f"/api/groups/{fresh.id}/members/{ben.id}")
    expect(item).to_have_count(0)


def test_reading_in_one_tab_clears_the_count_in_the_other(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    first, second = ada.group("read here", ben), ada.group("stay here", ben)
    context = signed_in(ben)
    other = live_tab(context, second.path)
    ada.say(first, "unread for a moment")
    count = other.locator(f".conversation-item[data-conversation-id={first.id}] .unread-count")
    expect(count).to_have_text("1")
    live_tab(context, first.path)
    expect(count).to_have_text("")


def test_edit_and_delete_reach_everybody(ada: Person, ben: Person, open_tab: OpenTab) -> None:
    talk = ada.group("second thoughts", ben)
    ada.say(talk, "a typpo")
    ada.say(talk, "a mistake")
    hers, his = open_tab(ada, talk.path), open_tab(ben, talk.path)
    expect(message(his, "a typpo").locator(".edit")).to_be_hidden()

    composer(hers).press("ArrowUp")
    field = hers.locator(".message-edit textarea")
    expect(field).to_have_value("a mistake")
    field.press("Escape")
    expect(field).to_have_count(0)

    message(hers, "a typpo").hover()
    message(hers, "a typpo").locator(".edit").click()
    field.fill("a *typo*")
    field.press("Enter")
    expect(message(his, "a typo").locator(".edited")).to_be_visible()

    message(hers, "a mistake").hover()
    message(hers, "a mistake").locator(".delete").click()
    hers.get_by_role("button", name="Delete", exact=True).click()
    expect_texts(his, ["a typo"])
    expect_texts(hers, ["a typo"])
    expect(message(his, "a mistake")).to_have_count(0)


def test_who_was_put_out_and_let_in_again_reads_and_writes_on(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("revolving door", ben)
    ada.say(talk, "before")
    page = open_tab(ben, talk.path)
    ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
    expect(composer(page)).not_to_be_editable()
    ada.say(talk, "meanwhile")
    ada.call("POST", f"/api/groups/{talk.id}/members", {"userIds": [ben.id]})
    expect_texts(page, ["before", "meanwhile"])
    send(page, "back")
    expect_texts(page, ["before", "meanwhile", "back"])
    assert ada.hear(talk) == ["before", "meanwhile", "back"]


def test_typing_is_said_and_ends_with_the_message(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("typing", ben)
    ben.say(talk, "known by name")
    hers, his = open_tab(ada, talk.path), open_tab(ben, talk.path)
    composer(his).press_sequentially("Hm")
    expect(hers.locator("[data-typing]")).to_have_text("Ben is typing…")
    composer(his).press("Enter")
    expect_texts(hers, ["known by name", "Hm"])
    expect(hers.locator("[data-typing]")).to_have_text("")


def test_console_tells_the_life_of_the_stream_when_asked(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("debugging", ben)
    context = signed_in(ben)
    context.add_init_script("if (origin !== 'null') localStorage.setItem('chat-debug', '1')")
    lines: list[str] = []
    context.on("console", lambda line: lines.append(line.text))
    page = live_tab(context, talk.path)
    ada.say(talk, "one")
    expect_texts(page, ["one"])
    page.evaluate("() => dispatchEvent(new Event('online'))")
    page.wait_for_event("console", lambda line: "chat: connected" in line.text)
    for word in ("chat: connecting start", "chat: connected", "chat: received message:created"):
        assert any(line.startswith(word) for line in lines), (word, lines)


def test_editing_that_the_network_forbids_is_said_in_the_page_and_tried_again(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("editing offline", ben)
    ada.say(talk, "a mistake")
    page = open_tab(ada, talk.path)
    field = page.locator(".message-edit textarea")
    composer(page).press("ArrowUp")
    field.press("Escape")

    page.route("**/api/messages/*", lambda route: route.abort())
    composer(page).fill("half a sentence")
    message(page, "a mistake").hover()
    message(page, "a mistake").locator(".edit").click()
    question = page.get_by_role("dialog")
    expect(question.get_by_role("alert")).to_contain_text("Not opened")
    question.get_by_role("button", name="Try again").click()
    expect(question.get_by_role("alert")).to_contain_text("Not opened")
    page.unroute("**/api/messages/*")
    question.get_by_role("button", name="Try again").click()
    expect(field).to_have_value("a mistake")
    expect(question).to_have_count(0)
    expect(composer(page)).to_have_value("half a sentence")


def test_edit_link_does_not_lead_out_of_the_page_offline(
    ada: Person, ben: Person, open_tab: OpenTab, faults: None
) -> None:
    talk = ada.group("never edited, offline", ben)
    ada.say(talk, "a mistake")
    page = open_tab(ada, talk.path)
    page.context.set_offline(True)
    connection(page, "offline")
    message(page, "a mistake").hover()
    with page.expect_event("requestfailed", lambda asked: "/editing.js" in asked.url):
        message(page, "a mistake").locator(".edit").click()
    page.context.set_offline(False)
    connection(page, "live")
    message(page, "a mistake").locator(".edit").click()
    expect(page.locator(".message-edit textarea")).to_have_value("a mistake")


def test_a_conversation_in_which_somebody_speaks_says_no_longer_that_nobody_did(
    ada: Person, ben: Person, open_tab: OpenTab
) -> None:
    talk = ada.group("the first words", ben)
    page = open_tab(ben, talk.path)
    expect(page.get_by_text("Nobody has said anything yet")).to_be_visible()
    said = ada.say(talk, "hello")
    expect(message(page, "hello")).to_be_visible()
    expect(page.get_by_text("Nobody has said anything yet")).to_be_hidden()
    ada.call("DELETE", f"/api/messages/{said['id']}")
    expect(page.get_by_text("Nobody has said anything yet")).to_be_visible()
