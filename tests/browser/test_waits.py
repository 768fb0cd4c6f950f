"""How long a page waits before it tries again to have a stream."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from playwright.sync_api import BrowserContext, Page, Route

from tests.browser.conftest import live_tab
from tests.browser.page import connection, expect_texts
from tests.browser.people import Conversation, Person

SignedIn = Callable[..., BrowserContext]


def page_that_tells(signed_in: SignedIn, person: Person, talk: Conversation) -> Page:
    """A live page that tells of its waits, each of them half of what it may be at most."""
    context = signed_in(person)
    context.add_init_script("if (origin !== 'null') localStorage.setItem('chat-debug', '1')")
    page = context.new_page()
    page.clock.install()
    page.goto(talk.path)
    connection(page, "live")
    page.evaluate("() => { Math.random = () => 0.5; }")
    return page


def wait_after(page: Page, act: Callable[[], object]) -> int:
    """Milliseconds that the page says it will wait."""
    with page.expect_console_message(lambda line: "chat: reconnecting in" in line.text) as said:
        act()
    return int(said.value.text.split()[3])


def make_anew(page: Page) -> None:
    """Let the page make its stream anew."""
    page.evaluate("() => dispatchEvent(new Event('online'))")


def bad_gateway(route: Route) -> None:
    route.fulfill(status=502, body="Bad Gateway")


def test_waits_between_tries_grow_and_stop_at_thirty_seconds(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("waits", ben)
    page = page_that_tells(signed_in, ben, talk)
    page.context.route("**/api/sse?**", bad_gateway)
    waits = [wait_after(page, partial(make_anew, page))]
    while len(waits) < 8:
        waits.append(wait_after(page, partial(page.clock.run_for, waits[-1])))
    assert waits == [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]

    page.context.unroute("**/api/sse?**")
    with page.expect_console_message(lambda line: "chat: connected" in line.text):
        page.clock.run_for(15_000)
    page.clock.run_for(1000)
    ada.say(talk, "it flows")
    expect_texts(page, ["it flows"])
    page.context.route("**/api/sse?**", bad_gateway)
    assert wait_after(page, partial(make_anew, page)) == 500


def test_stream_that_ends_as_soon_as_it_is_there_is_tried_ever_less(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("ends at once", ben)
    page = page_that_tells(signed_in, ben, talk)
    cursor = page.locator("body").get_attribute("data-cursor")
    ready = f'event: ready\ndata: {{"cursor": "{cursor}"}}\n\n'
    page.context.route(
        "**/api/sse?**",
        lambda route: route.fulfill(content_type="text/event-stream", body=ready),
    )
    waits = [wait_after(page, partial(make_anew, page))]
    while len(waits) < 5:
        waits.append(wait_after(page, partial(page.clock.run_for, waits[-1])))
    assert waits == [500, 1000, 2000, 4000, 8000]


def test_waits_are_drawn_from_nothing_to_their_limit(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    page = live_tab(signed_in(ben), ada.group("jitter", ben).path)
    drawn: list[float] = page.evaluate(
        """async () => {
            const main = document.querySelector('script[src$="main.js"]').src;
            const {Backoff} = await import(new URL('realtime/backoff.js', main));
            const backoff = new Backoff();
            for (let tries = 0; tries < 5; tries++) backoff.next();
            return Array.from({length: 1000}, () => backoff.next());
        }"""
    )
    assert max(drawn) <= 30_000
    # Of a thousand evenly drawn ones each tenth of the range has some: fails once in 10^45.
    assert {int(wait // 3000) for wait in drawn} == set(range(10))
