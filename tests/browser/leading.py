"""Which tab of a browser leads: taking the leader away, and seeing another take its place."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import BrowserContext, Error, Page, Request

from tests.browser.renderer import pid_of


@contextmanager
def another_leads(context: BrowserContext, how: str) -> Iterator[list[float]]:
    """Wait until a tab asks for a stream of its own.

    Print how many seconds after the fault that was; the list that it gives holds them then.
    """
    asked: list[float] = []

    def heard(request: Request) -> None:
        if "/api/sse" in request.url:
            asked.append(time.monotonic())

    context.on("request", heard)
    begun = time.monotonic()
    seconds: list[float] = []
    yield seconds
    while not asked:
        context.pages[-1].evaluate("() => fetch('/healthz')")
        assert time.monotonic() < begun + 60, "nobody leads"
    seconds.append(asked[0] - begun)
    print(f"\nthe leader {how}: another asked for a stream after {seconds[0]:.2f} s")


#: A script that runs for four seconds.
HANG = "setTimeout(() => { const end = Date.now() + 4000; while (Date.now() < end); }, 0)"


def crash_as_a_page(page: Page) -> None:
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")


def crash_as_a_process(page: Page) -> None:
    with page.expect_event("crash"):
        os.kill(pid_of(page), signal.SIGKILL)
