"""A tab that stays open for a day costs what it did after breakfast."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import live_tab
from tests.browser.page import message
from tests.browser.people import Person
from tests.support.wait import PATIENCE

SignedIn = Callable[..., BrowserContext]

ROUND, ROUNDS = 2000, 5
#: Bytes of JavaScript's heap. The eight thousand messages of the last four rounds are 5 MB of JSON,
#: and more as objects and rows: a page that kept an eighth of them would be above it.
GROWTH = 1024 * 1024


class Flood:
    """Streams of ROUND messages each, as a server would send them that can write so quickly."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message
        self.sent = 0
        self._waiting: Route | None = None

    def stream(self, route: Route) -> None:
        """Let a request for a stream wait for the next round."""
        self._waiting = route

    def send(self, page: Page) -> None:
        """Answer the request that waits with a round, once there is one."""
        deadline = time.monotonic() + PATIENCE
        while (route := self._waiting) is None:
            assert time.monotonic() < deadline, "no request for a stream"
            page.evaluate("() => fetch('/healthz')")
        self._waiting = None
        epoch, _, position = parse_qs(urlsplit(route.request.url).query)["cursor"][0].rpartition(
            "-"
        )
        frames = [
            f"id: {epoch}-{position}\nevent: ready\ndata: {_json(cursor=f'{epoch}-{position}')}"
        ]
        start = int(position) + 1 - self.sent
        for number in range(self.sent, self.sent + ROUND):
            told = _json(
                **self._message,
                type="message:created",
                id=f"msg_flood{number}",
                html=f"<p>flood {number} {'x' * 200}</p>",
            )
            frames.append(f"id: {epoch}-{start + number}\ndata: {told}")
        self.sent += ROUND
        route.fulfill(content_type="text/event-stream", body="\n\n".join([*frames, ""]))


def _json(**fields: Any) -> str:
    return json.dumps(fields)


def measured(page: Page) -> tuple[int, int]:
    """Bytes of the heap and nodes in it, detached ones too, after a collection of garbage."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = {
        one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]
    }
    session.detach()
    return int(metrics["JSHeapUsedSize"]), int(metrics["Nodes"])


def test_ten_thousand_arriving_messages_leave_the_tab_flat(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("flood", ben)
    first = ada.say(talk, "before the flood")
    shown = {name: first[name] for name in first.keys() - {"id", "html", "clientId"}}
    flood = Flood({**shown, "clientId": None})
    context = signed_in(ben)
    page = live_tab(context, talk.path)
    sizes = []
    context.route("**/api/sse?**", flood.stream)
    page.evaluate("() => dispatchEvent(new Event('online'))")  # makes the stream anew
    for done in range(ROUNDS):
        flood.send(page)
        expect(message(page, f"flood {(done + 1) * ROUND - 1} ")).to_be_attached()
        sizes.append(measured(page))
    heaps, nodes = zip(*sizes, strict=True)
    print(f"heap {heaps}, nodes {nodes}")
    assert max(heaps) - heaps[0] < GROWTH
    assert max(nodes) < nodes[0] * 1.2
    assert page.locator(".message").count() <= 351
    # The rows that left come back from the server, which knows only the first of all these.
    page.route("**/api/messages?**", lambda route: route.fulfill(json=[first]))
    page.locator(".message").first.evaluate("row => row.scrollIntoView()")
    expect(message(page, "before the flood")).to_be_attached()
    expect(page.locator("[data-older]")).to_have_count(0)
