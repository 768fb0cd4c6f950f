"""Joined and left, or left and joined again, before any process has read either from the log.

What is told of a conversation is read when it is told, so these are where a client could be told
of the end of something whose beginning it never heard. One transaction makes one reading of both.
"""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.client_model import ClientModel
from tests.support.in_and_out import at_once
from tests.support.stream import Stream, contents, listen, types
from tests.support.team import Person, Team


def check(client: ClientModel, person: Person, heard: Stream, fence: str) -> list[str]:
    """Check that the state and what was heard make the present state; return the events' names."""
    events = heard.until("message", content=fence)
    late = ClientModel(person)
    client.apply(events)
    assert client.shown() == late.shown()
    return types(events)


@pytest.mark.parametrize("times", [1, 2])
def test_who_came_and_went_is_told_of_no_beginning_and_needs_none(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str, times: int
) -> None:
    group = team.group(ann, name="New")
    newcomer, member = ClientModel(bob), ClientModel(ann)
    with (
        listen(bob, cursor=newcomer.cursor) as stream,
        listen(ann, cursor=member.cursor) as other,
        listen(bob, f"dm:{dm}") as named,
    ):
        for one in (stream, other, named):
            one.ready()
        at_once(app, group, bob, ["in", "out"] * times)
        ann.say(group, "Not his any more")
        ann.say(dm, "fence")
        visits = ["member:joined", "conversation:left"] * times
        assert check(newcomer, bob, stream, "fence") == [*visits, "message"]
        comings = ["member:joined", "member:left"] * times
        assert check(member, ann, other, "fence") == [*comings, "message", "message"]
        assert types(named.until("message", content="fence")) == ["message"]
    with listen(bob, cursor=newcomer.cursor) as again:
        replay = again.ready()
    assert types(replay) == ["conversation:left"] * times + ["message"]


@pytest.mark.parametrize("before", [["out", "in"], ["out", "in", "out", "in"]])
def test_who_left_and_came_back_hears_what_follows(
    app: Flask, team: Team, ann: Person, bob: Person, dm: str, before: list[str]
) -> None:
    group = team.group(ann, bob, name="Home")
    ann.say(group, "Long ago")
    client = ClientModel(bob)
    with listen(bob, cursor=client.cursor) as stream:
        stream.ready()
        at_once(app, group, bob, before)
        # Both are in one reading, which is over when this is heard; the fence is in the next.
        ann.say(group, "Welcome back")
        events = stream.until("message", content="Welcome back")
        ann.say(group, "fence")
        events += stream.until("message", content="fence")
    told = [type_ for type_ in types(events) if type_.startswith("conversation:")]
    assert told == ["conversation:left", "conversation:joined"] * (len(before) // 2)
    assert contents(events) == ["Welcome back", "fence"]
    client.apply(events)
    assert client.shown() == ClientModel(bob).shown()


def test_who_came_went_and_came_is_subscribed(
    app: Flask, team: Team, ann: Person, bob: Person
) -> None:
    group = team.group(ann, name="New")
    client = ClientModel(bob)
    with listen(bob, cursor=client.cursor) as stream:
        stream.ready()
        at_once(app, group, bob, ["in", "out", "in"])
        ann.say(group, "fence")
        names = check(client, bob, stream, "fence")
    told = [name for name in names if name.startswith("conversation:")]
    assert told == ["conversation:joined", "conversation:left", "conversation:joined"]


def test_a_stream_of_that_group_alone_ends_though_its_owner_is_back(
    app: Flask, team: Team, ann: Person, bob: Person
) -> None:
    group = team.group(ann, bob, name="Home")
    with listen(bob, f"group:{group}") as stream:
        stream.ready()
        at_once(app, group, bob, ["out", "in"])
        rest = stream.rest()
    assert rest[-1].json == {"reason": "revoked"}
    with listen(bob, f"group:{group}", last_event_id=stream.last_event_id) as again:
        again.ready()
        ann.say(group, "fence")
        assert contents([again.next()]) == ["fence"]
