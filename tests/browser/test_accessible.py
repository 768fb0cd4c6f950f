"""axe finds nothing, on any page, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import live_tab
from tests.browser.page import composer, expect_nothing_found, item, message
from tests.browser.people import Conversation, Person
from tests.support.server import Server

SignedIn = Callable[..., BrowserContext]

PAGES = [
    "/conversations",
    "/conversations?q=a",
    "/direct-messages/new",
    "/groups/new",
    "/groups",
    "/people",
    "/profile",
    "/admin/people",
    "/admin/invites",
    "/conversations/nowhere",
]
TEXT = """Some **words**, a [link](https://example.org), `code`:

```python
def greet(name: str = "Ada") -> None:
    print(f"Hello {name}")  # a comment
```

> a quote
"""


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def conversation(ada: Person, ben: Person) -> Conversation:
    talk = ada.group("accessible", ben)
    ada.say(talk, TEXT)
    ben.say(talk, "And an answer.")
    return talk


def test_conversation_and_its_states(
    ada: Person, conversation: Conversation, signed_in: SignedIn, scheme: str
) -> None:
    page = live_tab(signed_in(ada, color_scheme=scheme), conversation.path)
    expect_nothing_found(page)
    message(page, "Some words").hover()
    expect_nothing_found(page)
    message(page, "Some words").locator(".edit").click()
    page.locator(".message-edit textarea").wait_for()
    expect_nothing_found(page)
    page.locator(".message-edit textarea").press("Escape")
    composer(page).fill("x" * 8001)
    expect_nothing_found(page)
    composer(page).fill("")
    message(page, "Some words").hover()
    message(page, "Some words").locator(".delete").click()
    page.locator("dialog").wait_for()
    expect_nothing_found(page)


def test_failed_message(
    ada: Person,
    conversation: Conversation,
    signed_in: SignedIn,
    scheme: str,
    faults: None,
) -> None:
    page = live_tab(signed_in(ada, color_scheme=scheme), conversation.path)
    page.route("**/api/messages", lambda route: route.fulfill(status=403, json={}))
    composer(page).fill("refused")
    composer(page).press("Enter")
    page.locator(".message.failed .failure").wait_for()
    expect_nothing_found(page)
    page.locator("[data-discard]").click()


def test_conversation_on_a_phone(
    ada: Person, conversation: Conversation, signed_in: SignedIn, scheme: str
) -> None:
    context = signed_in(ada, color_scheme=scheme, viewport={"width": 360, "height": 740})
    page = live_tab(context, conversation.path)
    expect_nothing_found(page)
    page.goto("/conversations")
    expect_nothing_found(page)


def test_forced_colours_leave_the_open_conversation_marked(
    ada: Person, conversation: Conversation, signed_in: SignedIn
) -> None:
    page = live_tab(signed_in(ada, forced_colors="active"), conversation.path)
    expect(item(page, conversation.id)).to_have_css("outline-style", "solid")


def test_text_at_200_percent_leaves_the_foot_of_the_list_in_reach_on_a_phone(
    ada: Person, signed_in: SignedIn
) -> None:
    page = live_tab(signed_in(ada, viewport={"width": 360, "height": 740}), "/conversations")
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    for name in ("Your profile", "People", "Groups", "Administration"):
        expect(page.locator(".side-foot").get_by_role("link", name=name)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("path", PAGES)
def test_every_other_page(
    ada: Person, signed_in: SignedIn, scheme: str, path: str, faults: None
) -> None:
    page = signed_in(ada, color_scheme=scheme).new_page()
    page.goto(path)
    expect_nothing_found(page)


def test_details_and_adding_people(
    ada: Person, conversation: Conversation, signed_in: SignedIn, scheme: str
) -> None:
    page = signed_in(ada, color_scheme=scheme).new_page()
    page.goto(f"{conversation.path}/details")
    expect_nothing_found(page)


def test_sign_in(browser: Browser, server: Server, scheme: str) -> None:
    context = browser.new_context(base_url=server.url, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/sign-in")
    expect_nothing_found(page)
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()
    expect_nothing_found(page)
    context.close()
