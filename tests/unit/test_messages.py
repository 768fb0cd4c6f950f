"""Posting and reading messages through the API."""

from __future__ import annotations

from tests.support.team import Team


def test_a_posted_message_is_listed(team: Team) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    sent = ann.say(dm, "Hello *Bob*")
    listed = bob.get(f"/api/messages?directMessageId={dm}")
    assert listed.status_code == 200
    assert listed.json == [sent]
    assert sent["html"].strip() == "<p>Hello <em>Bob</em></p>"
