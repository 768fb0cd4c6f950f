"""What an administrator does to invites and people, in a browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.people import Person


def test_new_link_stands_ready_to_be_copied(ada: Person, open_tab: Callable[..., Page]) -> None:
    page = open_tab(ada, "/admin/invites")
    page.get_by_role("button", name="Create the link").click()
    link = page.get_by_role("textbox", name="The link")
    expect(link).to_be_focused()
    expect(link).to_have_accessible_description(
        "The invite is ready. Copy its link and send it: it is shown only now."
    )
    assert page.evaluate("String(getSelection())") == link.input_value()
