"""The pictures of the README, taken of the demo team: `scripts/screenshots`."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.server import ROOT, Server

IMAGES = ROOT / "docs" / "images"
#: Whom it is signed in as, and which conversation is open.
NAME, CONVERSATION = "ingrid", "Engineering"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--lang=en-GB"]
#: CSS pixels, and pictures of at most 200 KB.
DESK, PHONE = (1120, 700), (390, 760)


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        with Server(data, CHAT_DEMO="1") as server:
            password = _password(server.output())
            browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
            for scheme in ("light", "dark"):
                _take(browser, server.url, password, scheme, f"chat-{scheme}.png", DESK, 1.25)
            _take(browser, server.url, password, "light", "chat-phone.png", PHONE, 1.5)
            browser.close()


def _take(
    browser: Browser,
    url: str,
    password: str,
    scheme: Literal["light", "dark"],
    name: str,
    size: tuple[int, int],
    scale: float,
) -> None:
    page = browser.new_page(
        base_url=url,
        color_scheme=scheme,
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        locale="en-GB",
        timezone_id="UTC",
    )
    _sign_in(page, password)
    page.locator(".conversation-item", has_text=CONVERSATION).first.click()
    page.wait_for_selector("section.conversation")
    # Where there is coloured code.
    code = page.locator(".message pre").last
    code.evaluate("block => block.scrollIntoView({block: 'center'})")
    page.mouse.move(2, 2)
    page.screenshot(path=IMAGES / name)
    print(f"{name}: {(IMAGES / name).stat().st_size // 1000} KB")
    page.close()


def _sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=name]", NAME)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_selector(".conversation-item")


def _password(said: str) -> str:
    """Return the demo password of NAME, which the server prints at its first start."""
    found = re.search(rf"name {NAME}, password (\S+)", said)
    assert found, said
    return found[1]


if __name__ == "__main__":
    main()
