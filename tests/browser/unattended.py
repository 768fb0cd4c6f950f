"""A browser whose tabs are hidden and frozen as anybody's are.

Playwright keeps the tabs of its own browsers visible, whatever is in front of them, and Chromium
freezes none that is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import CHROMIUM, PATIENCE, chromium
from tests.browser.people import Person
from tests.support.wait import until


@contextmanager
def unattended(browser: Browser, folder: Path, person: Person) -> Iterator[BrowserContext]:
    """Start one, beside ``browser``, in which somebody has signed in."""
    where = ["--remote-debugging-port=0", f"--user-data-dir={folder}"]
    with subprocess.Popen(
        [chromium(), "--headless", *CHROMIUM, *where], stderr=subprocess.DEVNULL
    ) as process:
        try:
            port = folder / "DevToolsActivePort"
            until(lambda: port.exists() and "\n" in port.read_text(), "a browser to talk to")
            address = f"http://127.0.0.1:{port.read_text().split()[0]}"
            # Whoever connects before its first tab is there waits for ever.
            until(lambda: httpx.get(f"{address}/json/list").json(), "its first tab")
            its = browser.browser_type.connect_over_cdp(address, no_defaults=True)
            (context,) = its.contexts
            context.set_default_timeout(PATIENCE)
            context.add_cookies(person.cookies["cookies"])
            yield context
        finally:
            process.terminate()


@contextmanager
def frozen(page: Page) -> Iterator[None]:
    """Freeze a hidden tab as the browser does to save energy."""
    freezer = page.context.new_cdp_session(page)
    freezer.send("Page.setWebLifecycleState", {"state": "frozen"})
    yield
    freezer.send("Page.setWebLifecycleState", {"state": "active"})
