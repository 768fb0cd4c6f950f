"""Joined and left, and left and joined again, in one commit of another process: a real stream."""

from __future__ import annotations

import json

import pytest

from chatapp import create_app
from chatapp.extensions import db
from tests.support.http import Http
from tests.support.in_and_out import at_once
from tests.support.server import Server
from tests.support.settings import settings_for
from tests.support.team import Person, Team

pytestmark = pytest.mark.delivery


def test_a_stream_survives_both_and_ends_up_where_its_owner_is(
    http: Http, server: Server, team: Team, ann: Person, bob: Person, dm: str
) -> None:
    visited, home = team.group(ann, name="Visited"), team.group(ann, bob, name="Home")
    app = create_app(settings_for(server.data_dir))
    stream = http.listen(bob)
    stream.ready()
    at_once(app, visited, bob, ["in", "out"])
    at_once(app, home, bob, ["out", "in"])
    with app.app_context():
        db.engine.dispose()
    http.say(ann, visited, "Not his")
    http.say(ann, home, "fence")
    events = stream.until(lambda event: event.event == "message")
    told = [(event.event, json.loads(event.data)) for event in events]
    assert [
        (name, data.get("conversationId") or data["conversation"]["id"])
        for name, data in told
        if name.startswith("conversation:")
    ] == [
        ("conversation:left", visited),
        ("conversation:left", home),
        ("conversation:joined", home),
    ]
    assert told[-1][1]["content"] == "fence"
