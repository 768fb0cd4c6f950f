"""For each kind of event: the state before + the events = the state fetched after.

Everybody's client is asked, live and by replay. A type without a case fails the suite.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from flask import Flask

from chatapp.api.events import _PRESENTERS
from chatapp.domain import accounts
from tests.support.client_model import ClientModel
from tests.support.event_stream import Event
from tests.support.stream import Stream, listen
from tests.support.team import Person, Team, reference


class Story:
    """A team in mid-conversation, and what they may do next."""

    def __init__(self, app: Flask, team: Team) -> None:
        self.app = app
        self.ann, self.bob, self.cat = team.people("ann", "bob", "cat")
        self.dan = team.person("dan")
        self.root, self.clock = team.person("root", admin=True), team.person("clock")
        self.readers = [self.ann, self.bob, self.cat, self.root]
        self.dm = team.dm(self.ann, self.bob)
        self.group = team.group(self.ann, self.bob, name="Harbour")
        self.open = team.group(self.bob, self.root, name="Open", private=False)
        for conversation, author, other in (
            (self.dm, self.ann, self.bob),
            (self.group, self.bob, self.ann),
            (self.open, self.root, self.bob),
        ):
            first = author.say(conversation, "One")
            self.read(other, conversation, str(first["id"]))
            author.say(conversation, "Two")
            other.say(conversation, "Three")
            author.say(conversation, "Four")

    def newest(self, person: Person, conversation: str, nth: int = -1) -> str:
        """Return the id of a message."""
        path = f"/api/messages?{reference(conversation)}={conversation}"
        return str((person.get(path).json or [])[nth]["id"])

    def read(self, person: Person, conversation: str, message_id: str) -> None:
        path = f"/api/conversations/{conversation}/read"
        assert person.post(path, json={"messageId": message_id}).status_code == 204

    def rename(self, person: Person, name: str) -> None:
        with self.app.app_context():
            accounts.change_display_name(person.identity, name)

    def members(self, actor: Person, conversation: str, *people: Person) -> None:
        ids = [person.id for person in people]
        path = f"/api/groups/{conversation}/members"
        assert actor.post(path, json={"userIds": ids}).status_code == 200

    def remove(self, actor: Person, conversation: str, person: Person) -> None:
        path = f"/api/groups/{conversation}/members/{person.id}"
        assert actor.delete(path).status_code == 204


Action = Callable[[Story], object]


def edit_the_last_and_another(story: Story) -> None:
    for nth in (-1, 1):
        path = f"/api/messages/{story.newest(story.ann, story.dm, nth)}"
        assert story.ann.patch(path, json={"content": "Edited"}).status_code == 200


def delete_the_last(story: Story) -> None:
    path = f"/api/messages/{story.newest(story.ann, story.dm)}"
    assert story.ann.delete(path).status_code == 204


def delete_all(story: Story) -> None:
    for nth in range(4):
        author = story.bob if nth == 2 else story.ann
        assert author.delete(f"/api/messages/{story.newest(author, story.dm, 0)}").status_code < 300


def read_a_part(story: Story) -> None:
    story.read(story.bob, story.dm, story.newest(story.bob, story.dm, 1))


def read_while_somebody_writes(story: Story) -> None:
    """All in one turn: the event is delivered when the next message is there already."""
    read_a_part(story)
    story.ann.say(story.dm, "Five")
    delete_the_last(story)
    story.ann.say(story.dm, "Six")


def make_conversations(story: Story) -> None:
    body = {"name": "New", "userIds": [story.bob.id], "private": True, "topic": "Of late"}
    assert story.cat.post("/api/groups", json=body).status_code == 201
    body = {"userIds": [story.cat.id, story.root.id]}
    dm = (story.ann.post("/api/direct-messages", json=body).json or {})["id"]
    story.root.say(str(dm), "Welcome")


def join_and_talk(story: Story) -> None:
    story.members(story.cat, story.open, story.cat)
    story.bob.say(story.open, "Hello Cat")
    story.cat.say(story.open, "Hello Bob")


def leave(story: Story) -> None:
    story.remove(story.bob, story.group, story.bob)
    story.ann.say(story.group, "He is gone")


def leave_and_come_back(story: Story) -> None:
    leave(story)
    story.members(story.ann, story.group, story.bob)
    story.ann.say(story.group, "He is back")


def owner_leaves(story: Story) -> None:
    story.remove(story.ann, story.group, story.ann)


def change_the_group(story: Story) -> None:
    for change in ({"name": "Port"}, {"topic": "Ships"}, {"archived": True}, {"archived": False}):
        assert story.ann.patch(f"/api/groups/{story.group}", json=change).status_code == 200


def change_people(story: Story) -> None:
    story.rename(story.bob, "Robert Tables")
    with story.app.app_context():
        accounts.make_admin(story.root.identity, story.ann.id)
        accounts.deactivate(story.root.identity, story.dan.id)


CASES: dict[str, list[Action]] = {
    "message:created": [lambda s: s.ann.say(s.dm, "Five"), lambda s: s.bob.say(s.group, "Five")],
    "message:updated": [edit_the_last_and_another],
    "message:deleted": [delete_the_last, delete_all],
    "read": [read_a_part, read_while_somebody_writes],
    "conversation:joined": [make_conversations, join_and_talk],
    "conversation:left": [leave, leave_and_come_back, owner_leaves],
    "conversation:updated": [change_the_group],
    "member:joined": [join_and_talk, lambda s: s.members(s.ann, s.group, s.cat, s.root)],
    "member:left": [leave],
    "user:updated": [change_people],
}


@pytest.fixture
def story(app: Flask, team: Team) -> Story:
    return Story(app, team)


def test_every_type_of_event_has_a_case() -> None:
    assert CASES.keys() == _PRESENTERS.keys()


@pytest.mark.parametrize(
    ("type_", "action"), [(type_, action) for type_, actions in CASES.items() for action in actions]
)
def test_state_and_events_make_the_state_fetched_after(
    story: Story, type_: str, action: Action
) -> None:
    seen = verify_action(story, action)
    assert type_ in {event.json["type"] for event in seen}


def test_a_whole_story_can_be_replayed(story: Story) -> None:
    actions = [action for actions in CASES.values() for action in actions]
    stay = [a for a in actions if a not in (leave, owner_leaves, delete_all, read_a_part)]
    verify_action(story, lambda told: [action(told) for action in stay])


@pytest.mark.parametrize("seed", range(2))
def test_any_story_can_be_replayed(story: Story, seed: int) -> None:
    verify_action(story, lambda told: _many_things(told, random.Random(seed)))


def verify_action(story: Story, action: Action) -> list[Event]:
    """Check every reader's client, live and by replay; return all that they were sent live."""
    live = [ClientModel(person) for person in story.readers]
    replayed = [ClientModel(person) for person in story.readers]
    pairs = list(zip(story.readers, live, strict=True))
    streams = [listen(person, cursor=model.cursor) for person, model in pairs]
    for stream in streams:
        assert stream.ready() == []
    action(story)
    story.rename(story.clock, "Stop")
    seen = []
    for person, stream, client, late in zip(story.readers, streams, live, replayed, strict=True):
        events = _until_stop(stream)
        client.apply(events)
        with listen(person, last_event_id=late.cursor) as again:
            replay = again.ready()
        late.apply(replay)
        after = ClientModel(person).shown()
        assert client.shown() == after, f"{person.name}, live"
        assert late.shown() == after, f"{person.name}, by replay"
        seen += events
        stream.close()
    return seen


def _until_stop(stream: Stream) -> list[Event]:
    events = [stream.next()]
    while events[-1].json.get("user", {}).get("displayName") != "Stop":
        events.append(stream.next())
    return events


def _many_things(story: Story, chance: random.Random) -> None:
    for _ in range(40):
        _anything(story, chance)


def _anything(story: Story, chance: random.Random) -> None:
    """Somebody does something; a refusal (they left, it is deleted) is fine, too."""
    person = chance.choice(story.readers)
    conversation = chance.choice([story.dm, story.group, story.open])
    field = reference(conversation)
    rows = person.get(f"/api/messages?{field}={conversation}").json
    message = chance.choice(rows)["id"] if isinstance(rows, list) and rows else "msg_none"
    group, other = f"/api/groups/{conversation}", chance.choice(story.readers).id
    calls: list[Callable[[], object]] = [
        lambda: person.post("/api/messages", json={field: conversation, "content": "Hm"}),
        lambda: person.patch(f"/api/messages/{message}", json={"content": "Changed"}),
        lambda: person.delete(f"/api/messages/{message}"),
        lambda: person.post(f"/api/conversations/{conversation}/read", json={"messageId": message}),
        lambda: person.post(f"{group}/members", json={"userIds": [other]}),
        lambda: person.delete(f"{group}/members/{other}"),
        lambda: person.patch(group, json={"topic": str(chance.random())}),
        lambda: story.rename(person, f"{person.name} {chance.randrange(100)}"),
    ]
    chance.choices(calls, weights=(8, 3, 3, 4, 3, 2, 1, 1))[0]()
