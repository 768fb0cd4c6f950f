"""Proxies that swallow the stream, answer 502, or put the chat below a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from secrets import token_hex

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import live_tab
from tests.browser.page import (
    asked_for,
    connection,
    expect_texts,
    remember_states,
    run_until_live,
    send,
    states,
)
from tests.browser.people import Person, sign_in
from tests.support.nginx import Nginx, documented_site
from tests.support.server import Server
from tests.support.stalling_proxy import StallingProxy
from tests.support.wait import until

SignedIn = Callable[..., BrowserContext]

#: What somebody may have set for all sites of an nginx, and our header cannot undo. To a server
#: that it talks HTTP/1.0 with, its default, it passes on nothing before a buffer is full.
BUFFERED = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"
COMPRESSED = f"proxy_http_version 1.1; gzip on; gzip_types text/event-stream; {BUFFERED}"


def buffering_site(port: int, ports: Sequence[int], how: str = BUFFERED) -> str:
    """The documented site, spoilt."""
    site = documented_site(port, ports)
    assert site.count("proxy_http_version 1.1;") == 1
    return site.replace("proxy_http_version 1.1;", how)


@pytest.fixture
def proxy(server: Server) -> Iterator[StallingProxy]:
    with StallingProxy(server.port) as proxy:
        yield proxy


@pytest.mark.parametrize("how", [BUFFERED, COMPRESSED], ids=["buffered", "compressed"])
def test_stream_that_nginx_holds_back_is_asked_around_until_it_flows(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn, how: str, faults: None
) -> None:
    talk = ada.group("held back", ben)
    with Nginx([server.port], partial(buffering_site, how=how)) as nginx:
        context = signed_in(ben, base_url=nginx.url)
        asked = asked_for(context, "after=")
        page = context.new_page()
        page.goto(talk.path)
        connection(page, "polling")
        expect(page.locator("[data-connection]")).to_contain_text("asking every 2 seconds")
        remember_states(page)
        ada.say(talk, "asked for")
        expect_texts(page, ["asked for"])
        send(page, "and answered")
        expect_texts(page, ["asked for", "and answered"])

        # More than nginx's buffers hold: it passes on a lump, and that is no stream.
        lump = [f"{number} {token_hex(3500)}" for number in range(20)]
        with page.expect_request("**/api/sse?**"):
            for text in lump:
                ada.say(talk, text)
        ada.say(talk, "after the lump")
        wanted = ["asked for", "and answered", *lump, "after the lump"]
        expect_texts(page, wanted)
        assert set(states(page)) == {"polling"}

        nginx.reload(documented_site)
        connection(page, "live")
        before = len(asked)
        assert before >= 2  # the rest may have come with the lump
        for text in ("streamed", "again"):
            ada.say(talk, text)
            expect_texts(page, [*wanted, text])
            wanted.append(text)
        assert len(asked) == before


def test_stream_that_a_proxy_buffers_is_asked_around(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, faults: None
) -> None:
    talk, other = ada.group("swallowed", ben), ada.group("elsewhere", ben)
    proxy.holding = True
    page = signed_in(ben, base_url=proxy.url).new_page()
    page.goto(talk.path)
    ada.say(other, "psst")
    ada.say(talk, "asked for")
    connection(page, "polling")
    expect_texts(page, ["asked for"])
    page.bring_to_front()
    path = f"/api/conversations/{talk.id}"
    until(lambda: ben.call("GET", path)["unreadCount"] == 0, "what was asked for is read")
    item = page.locator(f".conversation-item[data-conversation-id={other.id}]")
    expect(item.locator(".unread-count")).to_have_text("1")

    proxy.holding = False
    proxy.cut()
    connection(page, "live")
    expect(page.locator("[data-connection]")).to_be_hidden()
    ada.say(talk, "streamed again")
    expect_texts(page, ["asked for", "streamed again"])


#: Waits until the tab that leads has said once more how the stream is.
NEXT_WORD = """user => new Promise((heard) => {
    const channel = new BroadcastChannel(`chat::${user}`);
    channel.onmessage = ({data}) => {
        if (data.kind === 'alive') heard(data.state);
    };
})"""


def test_tab_that_asks_in_vain_says_so_whatever_the_tab_that_leads_says(
    ada: Person, ben: Person, proxy: StallingProxy, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("asked in vain", ben)
    proxy.holding = True
    context = signed_in(ben, base_url=proxy.url)
    leader, follower = context.new_page(), context.new_page()
    for page in (leader, follower):
        page.goto(talk.path)
        connection(page, "polling")
    context.route("**/api/messages?**", lambda route: route.abort())
    connection(follower, "reconnecting")
    remember_states(follower)
    assert follower.evaluate(NEXT_WORD, ben.id) == "polling"
    assert states(follower) == ["reconnecting"]


def test_stream_comes_back_after_twenty_seconds_of_502(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("bad gateway", ben)
    with Nginx([server.port], documented_site) as nginx:
        context = signed_in(ben, base_url=nginx.url)
        page = context.new_page()
        page.clock.install()
        page.goto(talk.path)
        connection(page, "live")
        tries = asked_for(context, "/api/sse")
        server.kill()
        connection(page, "reconnecting")
        for _ in range(20):
            page.clock.run_for(1000)
            page.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer
        assert len(tries) >= 2
        server.start()
        ada.say(talk, "during the 502")
        run_until_live(page)
        expect_texts(page, ["during the 502"])


def test_below_a_path_of_another_site(
    ada: Person, ben: Person, server: Server, signed_in: SignedIn
) -> None:
    talk = ada.group("below a path", ben)
    path = f"/api/conversations/{talk.id}"
    with Nginx([server.port], partial(documented_site, path="/chat")) as nginx:
        context = signed_in(ben, base_url=nginx.url, storage_state=None)
        asked = asked_for(context, nginx.url)
        page = context.new_page()
        page.goto("/chat/")
        sign_in(page, ben.name)
        page.locator(f".conversation-item[data-conversation-id={talk.id}]").click()
        connection(page, "live")
        send(page, "from below")
        expect_texts(page, ["from below"])
        ada.say(talk, "and back")
        expect_texts(page, ["from below", "and back"])
        assert ada.hear(talk) == ["from below", "and back"]
        # Else the page may be about to say so when it has just signed out.
        until(lambda: ben.call("GET", path)["unreadCount"] == 0, "all read")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.url == f"{nginx.url}/chat/sign-in"
        outside = [url for url in asked if not url.startswith(f"{nginx.url}/chat/")]
        assert outside == []


def test_back_and_forward_find_a_live_page(ada: Person, ben: Person, signed_in: SignedIn) -> None:
    talk = ada.group("back and forth", ben)
    page: Page = live_tab(signed_in(ben), talk.path)
    page.goto("/profile")
    ada.say(talk, "meanwhile")
    page.go_back()
    connection(page, "live")
    expect_texts(page, ["meanwhile"])
    ada.say(talk, "and live")
    expect_texts(page, ["meanwhile", "and live"])


def test_asking_that_is_stopped_and_started_during_a_round_goes_on_once(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    page = live_tab(signed_in(ben), ada.group("rounds", ben).path)
    asked_next: int = page.evaluate(
        """async () => {
            const main = document.querySelector('script[src$="main.js"]').src;
            const {Fallback} = await import(new URL('realtime/fallback.js', main));
            const [due, answers] = [[], []];
            let timers = 0;
            window.setTimeout = (act) => { due.push(act); timers += 1; return timers; };
            window.clearTimeout = () => {};
            const runDue = () => due.splice(0).forEach((act) => act());
            const catchUp = () => new Promise((resolve) => answers.push(resolve));
            const fallback = new Fallback({catchUp, refresh() {}}, () => {});
            fallback.start();
            runDue();
            fallback.stop();
            fallback.start();
            runDue();
            for (const answer of answers.splice(0)) answer();
            await new Promise(requestAnimationFrame);
            runDue();
            return answers.length;
        }"""
    )
    assert asked_next == 1
