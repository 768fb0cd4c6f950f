"""What the first page costs somebody on a slow network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.browser.people import Person, Team, fill

#: Our budget for the conversation page, before images.
BUDGET = 60 * 1024


def received(page: Page) -> tuple[list[int], set[str]]:
    """Return lists that fill with the bytes and the hosts of what the page loads."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    hosts: set[str] = set()

    def finished(event: Any) -> None:
        sizes.append(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    return sizes, hosts


def test_a_conversation_of_fifty_messages_weighs_little_and_asks_no_other_host(
    signed_in: Callable[..., BrowserContext], team: Team, ada: Person
) -> None:
    # Somebody who is not in every other test's conversation: a list of a dozen, as people have.
    walt = team.person("walt")
    for number in range(11):
        ada.group(f"In the list {number}", walt)
    conversation = ada.group("Weight", walt)
    fill(conversation, ada, 60)
    page = signed_in(walt).new_page()
    page.clock.pause_at(datetime.now(UTC))  # what comes a second later comes never
    sizes, hosts = received(page)
    page.goto(conversation.path)
    page.wait_for_load_state("load")
    page.wait_for_selector("[data-timeline] .message.mine, [data-timeline] .message")
    print(f"{sum(sizes)} bytes in {len(sizes)} answers")
    assert page.locator(".message[data-message-id]").count() >= 40
    assert len(sizes) > 20
    assert sum(sizes) <= BUDGET
    assert hosts == {page.url.split("/")[2]}
