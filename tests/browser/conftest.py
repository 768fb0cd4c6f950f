"""A real server, real people, a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.people import Person, Team
from tests.support import networks
from tests.support.databases import Databases
from tests.support.server import Server

#: Milliseconds that only a failure reaches, also beside three other tests on two slow cores.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)
#: Plain HTTP from another host: browsers have no Web Locks there.
PLAIN_HOST = "chat.test"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A host that is not localhost, for pages without what browsers keep for safe places.
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
]


def chromium() -> str:
    """Return where the browser is."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("chat") / "data"
    data.mkdir()
    databases.make(data)
    with Server(data, CHAT_STREAMS_PER_USER="100", CHAT_TRUSTED_PROXIES="1") as running:
        yield running


@pytest.fixture(scope="session")
def team(server: Server, browser: Browser) -> Iterator[Team]:
    team = Team(server, browser)
    yield team
    team.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _undisturbed() -> Iterator[None]:
    with networks.undisturbed():
        yield


@pytest.fixture
def ada(team: Team) -> Person:
    return team.person("ada")


@pytest.fixture
def ben(team: Team) -> Person:
    return team.person("ben")


@pytest.fixture
def faults() -> None:
    """For a test that breaks the network: what fails to load may be in the consoles then."""


@pytest.fixture
def signed_in(
    browser: Browser, server: Server, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Make a browser context of a person; their consoles must stay clean."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def make(person: Person, **options: Any) -> BrowserContext:
        options = {
            "base_url": server.url,
            "storage_state": person.cookies,
            "viewport": {"width": 1280, "height": 800},
            "timezone_id": "UTC",
            **options,
        }
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        context.on("page", lambda page: _listen(page, complaints))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    if "faults" in request.fixturenames:
        complaints = [line for line in complaints if "Failed to load resource" not in line]
    assert complaints == []


def _listen(page: Page, complaints: list[str]) -> None:
    def heard(message: Any) -> None:
        # On plain HTTP the browser says that it leaves this header out of account.
        if f"http://{PLAIN_HOST}" in page.url and "Cross-Origin-Opener-Policy" in message.text:
            return
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} {message.location}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))


@pytest.fixture
def open_tab(
    signed_in: Callable[..., BrowserContext],
) -> Callable[..., Page]:
    """Open a path in a browser of its own, live."""

    def open_(person: Person, path: str, **options: Any) -> Page:
        return live_tab(signed_in(person, **options), path)

    return open_


def live_tab(context: BrowserContext, path: str) -> Page:
    """Open a path in one more tab and wait until the stream reaches it."""
    page = context.new_page()
    page.goto(path)
    wait_live(page)
    return page


def wait_live(page: Page) -> None:
    """The tab says so itself: this is what a person would have to trust, too."""
    page.wait_for_selector("[data-connection][data-state=live]", state="attached")
