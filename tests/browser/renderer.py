"""The process behind a tab, to be stopped or killed by its id."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

_BUSY = "() => { const end = performance.now() + 150; while (performance.now() < end); }"


def _work(browser: Browser) -> dict[int, float]:
    """Seconds of CPU that each renderer has used."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return {one["id"]: one["cpuTime"] for one in found if one["type"] == "renderer"}


def pid_of(page: Page) -> int:
    """The id of the tab's renderer: of the process that works while the tab is kept busy."""
    browser = page.context.browser
    assert browser is not None
    before = _work(browser)
    gained: dict[int, float] = {}
    for _ in range(100):
        page.evaluate(_BUSY)
        gained = {pid: used - before.get(pid, 0) for pid, used in _work(browser).items()}
        second, most = sorted([0.0, *gained.values()])[-2:]
        if most > 0.1 + 3 * second:
            return max(gained, key=lambda pid: gained[pid])
    raise AssertionError(f"no renderer stands out: {gained}")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process as the system does that goes to sleep, and let it go on afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
