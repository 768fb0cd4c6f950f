"""The people of the tests: each signs in through the page, and has a token to act without one."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

import httpx
from flask import Flask
from playwright.sync_api import Browser, Page

from chatapp import create_app
from chatapp.cli import OPERATOR
from chatapp.domain import accounts, tokens
from tests.support import apps
from tests.support.server import Server
from tests.support.settings import settings_for

PASSWORD = "correct horse battery"


class Person:
    """Somebody who acts by the API while others look at pages."""

    def __init__(self, server: Server, browser: Browser, app: Flask, name: str) -> None:
        self.name = name
        self.display_name = name.capitalize()
        self._server = server
        self._browser = browser
        with app.app_context():
            accounts.create(name, self.display_name, PASSWORD, is_admin=name == "ada")
            self._token, _ = tokens.create(OPERATOR, name)

    @cached_property
    def cookies(self) -> Any:
        """The state of a browser in which this person has signed in."""
        return self.signed_in_anew()

    def signed_in_anew(self) -> Any:
        """The same with a session of its own, for a test that ends it."""
        context = self._browser.new_context(base_url=self._server.url)
        page = context.new_page()
        page.goto("/sign-in")
        sign_in(page, self.name)
        state = context.storage_state()
        context.close()
        return state

    @cached_property
    def _api(self) -> httpx.Client:
        # A connection for each call: one that was idle may be closed just when it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        transport = httpx.HTTPTransport(verify=False, retries=5, limits=limits)
        return httpx.Client(
            base_url=self._server.url,
            headers={"Authorization": f"Bearer {self._token}"},
            transport=transport,
            timeout=30,
        )

    def close(self) -> None:
        self._api.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        response = self._api.request(method, path, json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    @cached_property
    def id(self) -> str:
        return str(self.call("GET", "/api/me")["id"])

    def group(self, name: str, *others: Person) -> Conversation:
        body = {"name": name, "userIds": [other.id for other in others]}
        return Conversation(self.call("POST", "/api/groups", body))

    def write_to(self, *others: Person) -> Conversation:
        body = {"userIds": [other.id for other in others]}
        return Conversation(self.call("POST", "/api/direct-messages", body))

    def say(self, conversation: Conversation, text: str) -> dict[str, Any]:
        body = {**conversation.reference, "content": text}
        message: dict[str, Any] = self.call("POST", "/api/messages", body)
        return message

    def hear(self, conversation: Conversation) -> list[str]:
        """The newest texts, as the server has them."""
        (key, value), *_ = conversation.reference.items()
        page = self.call("GET", f"/api/messages?{key}={value}&limit=100")
        return [message["content"] for message in page]


def sign_in(page: Page, name: str) -> None:
    """Fill in the form, and wait for what comes after it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("body[data-user-id]")


class Conversation:
    def __init__(self, shown: dict[str, Any]) -> None:
        self.id: str = shown["id"]
        self.path = f"/conversations/{self.id}"
        field = "directMessageId" if shown["type"] == "dm" else "groupId"
        self.reference = {field: self.id}


class Team:
    def __init__(self, server: Server, browser: Browser) -> None:
        self._server = server
        self._browser = browser
        # Beside the server, as the commands of `flask` are.
        self._app = create_app(settings_for(server.data_dir))
        self._people: dict[str, Person] = {}

    def person(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = Person(self._server, self._browser, self._app, name)
        return self._people[name]

    def close(self) -> None:
        for person in self._people.values():
            person.close()
        apps.close(self._app)


def fill(conversation: Conversation, person: Person, count: int) -> list[str]:
    wanted = [f"line {number:03}" for number in range(count)]
    for text in wanted:
        person.say(conversation, text)
    return wanted


def until_streams(admin: Person, talk: Conversation, count: int) -> None:
    """Wait until so many streams carry the conversation."""

    def streams() -> int:
        return int(admin.call("GET", "/api/sse/stats")["groupSubscriptions"].get(talk.id, 0))

    deadline, typed = time.monotonic() + 60, 0.0
    while streams() != count:
        assert time.monotonic() < deadline, f"{streams()} streams"
        # A stream that was closed is noticed by writing to it, and typing is written to all; it
        # may be said once a second.
        if time.monotonic() > typed + 1:
            admin.call("POST", f"/api/conversations/{talk.id}/typing")
            typed = time.monotonic()
