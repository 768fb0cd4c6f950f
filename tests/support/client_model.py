"""A client that holds a state, fetched once, and brings it up to date by events alone.

It knows what docs/EVENTS.md tells a client and nothing else: so where state and events disagree,
a real client would be wrong, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.event_stream import Event
from tests.support.team import Person

Json = dict[str, Any]
_AUTHOR = ("id", "name", "displayName", "initials", "hue")


class ClientModel:
    """What one person's client knows: people, conversations, messages, what is unread."""

    def __init__(self, person: Person) -> None:
        self._person = person
        answer = person.get("/api/conversations")
        #: Where the stream goes on after this state.
        self.cursor = answer.headers["Chat-Cursor"]
        self.users = {user["id"]: _lasting(user) for user in self._fetch("/api/users")}
        self.conversations: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {}
        self._unread: dict[str, list[str]] = {}
        for listed in answer.json or []:
            self._put(self._fetch(f"/api/conversations/{listed['id']}"))

    def shown(self) -> Json:
        """Return everything that a page could show, in a form that compares."""
        return {
            "users": self.users,
            "messages": self.messages,
            "conversations": {
                id_: {
                    **conversation,
                    "memberIds": sorted(conversation["memberIds"]),
                    "members": sorted(conversation["members"], key=lambda user: str(user["id"])),
                    "unreadCount": len(self._unread[id_]),
                }
                for id_, conversation in self.conversations.items()
            },
        }

    def apply(self, events: list[Event]) -> None:
        """Take events in."""
        for event in events:
            _HANDLERS[event.json["type"]](self, event.json)

    def _fetch(self, path: str) -> Any:
        answer = self._person.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def _put(self, conversation: Json) -> None:
        id_ = conversation["id"]
        field = "directMessageId" if conversation["type"] == "dm" else "groupId"
        self.conversations[id_] = conversation
        self.messages[id_] = self._fetch(f"/api/messages?{field}={id_}&limit=100")
        self._set_unread(id_, conversation["unreadCount"])

    def _set_unread(self, id_: str, count: int) -> None:
        """The newest ``count`` messages of others are unread."""
        others = [m["id"] for m in self.messages[id_] if m["userId"] != self._person.id]
        self._unread[id_] = others[len(others) - count :] if count else []

    def _conversation_of(self, event: Json) -> str | None:
        """Return which conversation an event is about, None for one that the client has not."""
        id_ = event.get("directMessageId") or event.get("groupId") or event.get("conversationId")
        return id_ if id_ in self.conversations else None

    def _created(self, event: Json) -> None:
        id_ = self._conversation_of(event)
        if id_ is None:
            return
        message = {name: value for name, value in event.items() if name != "type"}
        if all(known["id"] != message["id"] for known in self.messages[id_]):
            self.messages[id_].append(message)
        if event["userId"] != self._person.id and event["id"] not in self._unread[id_]:
            self._unread[id_].append(event["id"])
        self._show_last(id_)

    def _updated(self, event: Json) -> None:
        id_ = self._conversation_of(event)
        if id_ is not None:
            message = {name: value for name, value in event.items() if name != "type"}
            rows = self.messages[id_]
            rows[:] = [message if known["id"] == message["id"] else known for known in rows]
            self._show_last(id_)

    def _deleted(self, event: Json) -> None:
        id_ = self._conversation_of(event)
        if id_ is not None:
            rows = self.messages[id_]
            rows[:] = [known for known in rows if known["id"] != event["id"]]
            self._unread[id_] = [unread for unread in self._unread[id_] if unread != event["id"]]
            self._show_last(id_)

    def _show_last(self, id_: str) -> None:
        rows = self.messages[id_]
        self.conversations[id_]["lastMessage"] = rows[-1] if rows else None

    def _read(self, event: Json) -> None:
        id_ = self._conversation_of(event)
        if id_ is not None:
            self.conversations[id_]["lastReadMessageId"] = event["messageId"]
            kept = event["unreadCount"]
            self._unread[id_] = self._unread[id_][-kept:] if kept else []

    def _joined(self, event: Json) -> None:
        self._put(event["conversation"])

    def _left(self, event: Json) -> None:
        for table in (self.conversations, self.messages, self._unread):
            table.pop(event["conversationId"], None)

    def _conversation_updated(self, event: Json) -> None:
        conversation = event["conversation"]
        if conversation["id"] in self.conversations:
            self.conversations[conversation["id"]].update(conversation)

    def _member_joined(self, event: Json) -> None:
        self._member_left(event)
        id_ = self._conversation_of(event)
        if id_ is not None:
            self.conversations[id_]["memberIds"].append(event["user"]["id"])
            self.conversations[id_]["members"].append(event["user"])

    def _member_left(self, event: Json) -> None:
        id_ = self._conversation_of(event)
        if id_ is not None:
            conversation, gone = self.conversations[id_], event["user"]["id"]
            conversation["memberIds"] = [m for m in conversation["memberIds"] if m != gone]
            conversation["members"] = [m for m in conversation["members"] if m["id"] != gone]

    def _user_updated(self, event: Json) -> None:
        user = event["user"]
        self.users[user["id"]] = user
        for id_, conversation in self.conversations.items():
            members = conversation["members"]
            members[:] = [user if member["id"] == user["id"] else member for member in members]
            for message in self.messages[id_]:
                if message["userId"] == user["id"]:
                    message["author"] = {name: user[name] for name in _AUTHOR}
            self._show_last(id_)


def _lasting(user: Json) -> Json:
    """Return a person without what is true for a moment, which no logged event tells."""
    return {name: value for name, value in user.items() if name != "online"}


_HANDLERS: dict[str, Callable[[ClientModel, Json], None]] = {
    "message:created": ClientModel._created,
    "message:updated": ClientModel._updated,
    "message:deleted": ClientModel._deleted,
    "read": ClientModel._read,
    "conversation:joined": ClientModel._joined,
    "conversation:left": ClientModel._left,
    "conversation:updated": ClientModel._conversation_updated,
    "member:joined": ClientModel._member_joined,
    "member:left": ClientModel._member_left,
    "user:updated": ClientModel._user_updated,
}
