"""People for tests: real rows, made by the domain's verbs, with clients that call as them."""

from __future__ import annotations

from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatapp.domain import accounts, direct_messages, groups, messages, sessions, tokens
from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import MessageRow, User
from tests.support import databases

_NUMBERS = count(1)


class Person:
    """Somebody with a bearer token; ``get``, ``post`` and so on call the API as them."""

    def __init__(self, app: Flask, user: User, token: str) -> None:
        self._app = app
        self.id, self.name, self.is_admin, self.token = user.id, user.name, user.is_admin, token
        self.display_name = user.display_name

    @property
    def identity(self) -> Identity:
        """Who this is, for calling the domain directly."""
        with self._app.app_context():
            found = tokens.find(self.token)
        assert found is not None
        return found

    def request(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        """Call as this person, with the bearer token."""
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return self._app.test_client().open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("POST", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("DELETE", path, **kwargs)

    def say(self, conversation_id: str, content: str) -> dict[str, Any]:
        """Post a message through the API and return it."""
        body = {reference(conversation_id): conversation_id, "content": content}
        answer = self.post("/api/messages", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json or {})

    def browser(self) -> FlaskClient:
        """Return a client that is signed in with a session cookie, as a browser is."""
        with self._app.app_context():
            secret, _ = sessions.start(db.session.get_one(User, self.id))
        client = self._app.test_client()
        with client.session_transaction() as cookie:
            cookie["secret"] = secret
        return client


class Team:
    """Makes people and conversations."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def person(self, name: str, *, admin: bool = False, display_name: str | None = None) -> Person:
        """Make somebody. They have no password: hashing one takes 50 ms."""
        with self._app.app_context():
            user = User(name=name, display_name=display_name or name.title(), is_admin=admin)
            db.session.add(user)
            db.session.commit()
            operator = Identity("", "operator", "Operator", is_admin=True, credential_id="")
            secret, _ = tokens.create(operator, name)
            return Person(self._app, user, secret)

    def people(self, *names: str) -> list[Person]:
        """Make several people."""
        return [self.person(name) for name in names]

    def dm(self, *people: Person) -> str:
        """Return the id of the direct message of these people."""
        with self._app.app_context():
            others = [person.id for person in people[1:]]
            return direct_messages.open_with(people[0].identity, others).conversation.id

    def group(
        self, owner: Person, *members: Person, name: str = "Team", private: bool = True
    ) -> str:
        """Return the id of a new group."""
        with self._app.app_context():
            ids = [member.id for member in members]
            return groups.create(owner.identity, name, ids, private=private).id

    def post(self, author: Person, conversation_id: str, content: str) -> MessageRow:
        """Post a message by the verb."""
        with self._app.app_context():
            return messages.post(author.identity, conversation_id, content).message

    def deactivate(self, admin: Person, person: Person) -> None:
        """Shut somebody out."""
        with self._app.app_context():
            accounts.deactivate(admin.identity, person.id)

    def everything(self) -> list[str]:
        """Return all that the database holds, as text."""
        return [repr(row) for table in databases.rows(self._app).values() for row in table]


class Newcomers(Team):
    """People of a server that others have been on: each name gets a number, so it is new."""

    def person(self, name: str, *, admin: bool = False, display_name: str | None = None) -> Person:
        return super().person(f"{name}{next(_NUMBERS)}", admin=admin, display_name=display_name)


def reference(conversation_id: str) -> str:
    """Return the field that names such a conversation."""
    return "directMessageId" if conversation_id.startswith("dm_") else "groupId"
