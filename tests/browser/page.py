"""What the tests look at in a page."""

from __future__ import annotations

import re
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.wait import PATIENCE, until

#: Whether no message is left to be sent, in JavaScript.
NOTHING_WAITS = "() => !Object.keys(localStorage).some((key) => key.includes(':out:'))"


def texts(page: Page) -> list[str]:
    """The messages in the page, from first to last; those on their way out too."""
    found: list[str] = page.eval_on_selector_all(
        ".message", "rows => rows.map(row => row.querySelector('.body').textContent.trim())"
    )
    return found


def expect_texts(page: Page, wanted: list[str]) -> None:
    """Wait until the conversation's last messages are these, each once, all of them confirmed."""
    try:
        # Every 50 ms, not with each frame, as is the default: a tab behind others may draw none.
        page.wait_for_function(
            """wanted => {
                const rows = [...document.querySelectorAll('.message')];
                const last = rows.slice(-wanted.length).map(row => row.querySelector('.body'));
                const said = JSON.stringify(last.map(body => body.textContent.trim()));
                return rows.every(row => row.dataset.messageId) && said === JSON.stringify(wanted);
            }""",
            arg=wanted,
            polling=50,
        )
    except PlaywrightTimeout as error:
        rows = [row.inner_text() for row in page.locator(".message").all()]
        state = page.locator("[data-connection]").get_attribute("data-state")
        raise AssertionError(f"wanted {wanted}, not {rows}; {state}") from error
    shown = texts(page)
    assert [shown.count(text) for text in wanted] == [1] * len(wanted)


def message(page: Page, text: str) -> Locator:
    return page.locator(".message", has=page.locator(".body", has_text=text))


def composer(page: Page) -> Locator:
    return page.locator("[data-composer] textarea")


def send(page: Page, text: str) -> None:
    """Write and press Enter."""
    composer(page).fill(text)
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("")


def connection(page: Page, state: str) -> None:
    """Wait for what the page says about its connection."""
    page.wait_for_selector(f"[data-connection][data-state={state}]", state="attached")


def run_until_live(page: Page) -> None:
    """Let the clock of a page that has lost its stream run on until it has one again."""
    deadline = time.monotonic() + PATIENCE
    while page.locator("[data-connection]").get_attribute("data-state") != "live":
        assert time.monotonic() < deadline, "it has none"
        page.clock.run_for(1000)
        page.evaluate("() => fetch('/healthz')")  # whatever was asked before has its answer


def below_end(page: Page) -> float:
    """How many pixels of the conversation lie below what is in sight."""
    distance: float = page.evaluate("-document.querySelector('[data-scroller]').scrollTop")
    return distance


def expect_uncovered(thing: Locator) -> None:
    """Nothing lies over any edge of what is in sight."""
    hidden_at: list[str] = thing.evaluate(
        """thing => {
            const {left, right, top, bottom} = thing.getBoundingClientRect();
            const x = (left + right) / 2, y = (top + bottom) / 2;
            const points = [[x, top + 1], [x, bottom - 1], [left + 1, y], [right - 1, y]];
            return points.map(([x, y]) => document.elementFromPoint(x, y))
                .filter(found => !thing.contains(found))
                .map(found => found?.outerHTML.slice(0, 200) ?? 'out of sight');
        }"""
    )
    assert hidden_at == [], hidden_at


def asked_for(context: BrowserContext | Page, what: str) -> list[str]:
    """Return a list that fills with the addresses of requests that have ``what`` in them."""
    found: list[str] = []

    def heard(request: Request) -> None:
        if what in request.url:
            found.append(request.url)

    context.on("request", heard)
    return found


def leave_waiting(route: Route) -> None:
    """Handle a request as a proxy does that fills a buffer first."""


def held(page: Page | BrowserContext, address: str) -> list[Route]:
    """Keep requests for an address waiting, in a list from which the test lets them go on."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(address, hold)
    return waiting


def until_held(page: Page, waiting: list[Route], count: int) -> None:
    """Wait until so many requests are in the list that `held` gave."""
    until(lambda: page.evaluate("true") and len(waiting) >= count, f"{count} requests held")


def without_stream(page: Page, path: str) -> list[Route]:
    """Go to a path whose page has to wait for its stream; return the request for that."""
    streams = held(page, "**/api/sse?**")
    page.goto(path)
    until_held(page, streams, 1)
    return streams


def stand_at(page: Page, path: str, cursor: str) -> None:
    """Let the page at a path say that this is its cursor."""
    page.route(
        f"**{path}",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=re.sub('data-cursor="[^"]*', f'data-cursor="{cursor}', answer.text()),
        ),
    )


def states(page: Page) -> list[str]:
    """Return what the page has said about its connection since `remember_states`."""
    found: list[str] = page.evaluate("window.states")
    return found


def remember_states(page: Page) -> None:
    """Keep every word that the page says about its connection from here on."""
    page.evaluate(
        """() => {
            const line = document.querySelector('[data-connection]');
            window.states = [line.dataset.state];
            new MutationObserver(() => states.push(line.dataset.state))
                .observe(line, {attributeFilter: ['data-state']});
        }"""
    )


#: A cursor of another history: the stream that begins with it begins with a reset.
FOREIGN = "foreign-1"


def expect_nothing_found(page: Page) -> None:
    # Preloading makes style elements of its own, which our policy forbids and the console tells.
    # Only what is wrong is spelt out, node by node; all is checked.
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def item(page: Page, conversation_id: str) -> Locator:
    """A conversation in the list."""
    return page.locator(f".conversation-item[data-conversation-id={conversation_id}]")


def scroll_to(page: Page, text: str) -> None:
    """Bring a message into view, and wait until the page has heard of it."""
    message(page, text).evaluate(
        """row => new Promise((heard) => {
          const scroller = row.closest('[data-scroller]'), before = scroller.scrollTop;
          scroller.addEventListener('scroll', () => heard(), { once: true });
          row.scrollIntoView({ block: 'center' });
          if (scroller.scrollTop === before) heard();
        })"""
    )
