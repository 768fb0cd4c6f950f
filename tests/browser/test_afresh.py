"""The state is loaded afresh: what the page shows is true afterwards."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.page import composer, connection, expect_texts, texts
from tests.browser.people import Conversation, Person

OpenTab = Callable[..., Page]
SignedIn = Callable[..., BrowserContext]


def reset_at_first(page: Page, talk: Conversation) -> None:
    """Let the page come from another epoch, so that its stream begins with a reset."""
    page.route(
        f"**{talk.path}",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text().replace('data-cursor="', 'data-cursor="foreign'),
        ),
    )


def test_reset_reloads_the_state_and_keeps_what_is_typed(
    ada: Person, ben: Person, signed_in: SignedIn
) -> None:
    talk = ada.group("reset", ben)
    old = [ada.say(talk, f"old {number}") for number in range(3)]
    page = signed_in(ben).new_page()
    reset_at_first(page, talk)
    with page.expect_request("**/api/sse?**") as stream:
        page.goto(talk.path)
    assert "cursor=foreign" in stream.value.url
    composer(page).fill("still typing")
    ada.call("DELETE", f"/api/messages/{old[1]['id']}")
    ada.say(talk, "new")
    connection(page, "live")
    expect_texts(page, ["old 0", "old 2", "new"])
    assert texts(page) == ["old 0", "old 2", "new"]
    expect(composer(page)).to_have_value("still typing")


def test_reset_of_a_conversation_that_is_lost_says_so(
    ada: Person, ben: Person, signed_in: SignedIn, faults: None
) -> None:
    talk = ada.group("lost while away", ben)
    page = signed_in(ben).new_page()
    reset_at_first(page, talk)

    def put_out_before(route: Route) -> None:
        ada.call("DELETE", f"/api/groups/{talk.id}/members/{ben.id}")
        route.continue_()

    page.route("**/api/sse?**", put_out_before, times=1)
    page.goto(talk.path)
    expect(page.get_by_text("Error 404")).to_be_visible()
