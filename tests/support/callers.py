"""A small world, and everybody who may knock at its routes: for the route matrix."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from chatapp.domain import groups, invites, passwords, resets, sessions
from chatapp.domain.transaction import transaction
from chatapp.extensions import db
from chatapp.models import User
from tests.support import databases
from tests.support.team import Person, Team

#: The columns of the matrix.
CALLERS = ("anonymous", "outsider", "removed", "member", "admin", "bot", "revoked")

PASSWORD = "a long enough passphrase"
_ACCOUNT = {"name": "newcomer", "display_name": "Newcomer", "password": PASSWORD}

#: What each unsafe call sends, its <names> to be filled in: JSON to the API, forms to pages.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/messages": {"groupId": "<group_id>", "content": "Hi"},
    "PATCH /api/messages/<message_id>": {"content": "Changed"},
    "POST /api/direct-messages": {"userIds": ["<user_id>"]},
    "POST /api/conversations/<conversation_id>/read": {"messageId": "<message_id>"},
    "POST /api/groups": {"name": "New", "private": True},
    "PATCH /api/groups/<group_id>": {"name": "Renamed"},
    "POST /api/groups/<group_id>/members": {"userIds": ["<user_id>"]},
    "POST /api/groups/<public>/members": {"userIds": ["<user_id>"]},
    "POST /admin/invites": {"label": "A friend", "uses": "1", "days": "7"},
    "POST /conversations/<conversation_id>": {"content": "Hi"},
    "POST /conversations/<conversation_id>/read": {"message_id": "<message_id>"},
    "POST /conversations/<conversation_id>/details": {"name": "Renamed", "topic": "New"},
    "POST /conversations/<conversation_id>/people/add": {"user_ids": "<user_id>"},
    "POST /conversations/<conversation_id>/archive": {"archived": "yes"},
    "POST /direct-messages/new": {"user_ids": "<user_id>"},
    "POST /sign-in": {"name": "guest", "password": PASSWORD},
    "POST /join/<token>": _ACCOUNT,
    "POST /set-up/<token>": _ACCOUNT,
    "POST /reset/<token>": {"password": PASSWORD},
    "POST /groups/new": {"name": "New"},
    "POST /messages/<message_id>/edit": {"content": "Changed"},
    "POST /profile": {"display_name": "Another"},
    "POST /profile/password": {"old_password": "wrong", "password": PASSWORD},
}


class World:
    """A private group and a direct message; ``ann`` owns the one and is the author in both.

    The ``admin`` is in neither. ``bot`` is in both and calls by a bearer token. Every call begins
    in the same state: the database is put back before it.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        team = Team(app)
        self.people = {name: team.person(name) for name in ("ann", "bot", "guest", "gone", "eve")}
        self.people["root"] = team.person("root", admin=True)
        ann, bot, guest, gone = (self.people[name] for name in ("ann", "bot", "guest", "gone"))
        group = team.group(ann, bot, guest, gone)
        with app.app_context():
            groups.leave(gone.identity, group)
        self.names = {
            "conversation_id": group,
            "group_id": group,
            "message_id": team.post(ann, group, "Hello").id,
            "user_id": guest.id,
            "dm": team.dm(ann, bot),
            "public": team.group(ann, name="Open", private=False),
            "verb": "promote",
            "version_asked": "any",
            "filename": "img/favicon.svg",
            **self._links(),
        }
        self._give_password(guest)
        self._secrets = {
            "outsider": self._secret("eve"),
            "removed": self._secret("gone"),
            "member": self._secret("ann"),
            "admin": self._secret("root"),
            "revoked": self._secret("ann", revoked=True),
        }
        self._snapshot = databases.rows(app)

    def client(self, caller: str, *, csrf: bool = True) -> FlaskClient:
        """Return a client that calls as ``caller``; ``csrf`` adds the token that a page holds."""
        client = self.app.test_client()
        # Another machine's (RFC 5737): some routes answer this one more freely.
        client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        if caller == "bot":
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.people['bot'].token}"
            return client
        with client.session_transaction() as cookie:
            cookie["csrf_token"] = "planted by the test"
            if caller in self._secrets:
                cookie["secret"] = self._secrets[caller]
        if csrf:
            signer = URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token")
            client.environ_base["HTTP_X_CSRFTOKEN"] = signer.dumps("planted by the test")
        return client

    def call(self, caller: str, method: str, path: str, *, csrf: bool = True) -> TestResponse:
        """Call a path with its names filled in and with the body that belongs to it."""
        self.restore()
        return self.client(caller, csrf=csrf).open(
            self.filled(path), method=method, **self._body(method, path)
        )

    def filled(self, path: str) -> str:
        """Return ``path`` with ids in place of ``<names>``."""
        names = dict(self.names)
        for kind in ("join", "reset", "set-up"):
            if path.startswith(f"/{kind}/"):
                names["token"] = names[kind]
        for name, value in names.items():
            path = path.replace(f"<path:{name}>", value).replace(f"<{name}>", value)
        assert "<" not in path, path
        return path

    def content(self) -> databases.Rows:
        """Return everything in the database."""
        return databases.rows(self.app)

    def restore(self) -> None:
        """Put the database back to how it was at the beginning."""
        # Else the log's follower would find it behind what it has delivered, and say so in it.
        self.app.extensions["chatapp"].stop()
        databases.restore(self.app, self._snapshot)

    def _give_password(self, person: Person) -> None:
        hashed = passwords.hash_password(PASSWORD)
        with self.app.app_context(), transaction():
            db.session.get_one(User, person.id).password_hash = hashed

    def _links(self) -> dict[str, str]:
        with self.app.app_context():
            root = self.people["root"].identity
            _, session = sessions.start(db.session.get_one(User, self.people["ann"].id))
            return {
                "join": invites.create(root),
                "reset": resets.create(root, self.people["guest"].id),
                "set-up": "used",
                "invite_id": invites.listing(root)[0].id,
                "session_id": session.id,
            }

    def _secret(self, name: str, *, revoked: bool = False) -> str:
        """Return the secret of a new session of somebody."""
        with self.app.app_context():
            secret, _ = sessions.start(db.session.get_one(User, self.people[name].id))
            if revoked:
                me = sessions.find(secret)
                assert me is not None
                sessions.sign_out(me)
        return secret

    def _body(self, method: str, path: str) -> dict[str, Any]:
        body = BODIES.get(f"{method} {path.partition('?')[0]}", {})
        if method not in ("POST", "PATCH"):
            return {}
        filled = {name: self._value(value) for name, value in body.items()}
        return {"json" if path.startswith("/api/") else "data": filled}

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self.filled(value) if isinstance(value, str) else value
