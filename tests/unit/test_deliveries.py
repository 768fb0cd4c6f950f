"""What the log's reader encodes: what somebody hears, and nothing else."""

from __future__ import annotations

from flask import Flask

from chatapp.api import deliveries
from chatapp.domain import log
from chatapp.realtime.entry import Grant, Revoke
from tests.support.team import Team


def test_what_nobody_hears_is_not_encoded_but_takes_effect(app: Flask, team: Team) -> None:
    ann, bob, cat = team.people("ann", "bob", "cat")
    heard, unheard = team.group(ann, bob, name="Heard"), team.group(ann, bob, name="Unheard")
    joined = team.group(ann, name="Joined")
    with app.app_context():
        begin = log.head()
    for group in (heard, unheard):
        ann.say(group, "Hello")
    ann.post(f"/api/groups/{joined}/members", json={"userIds": [cat.id]})
    ann.say(joined, "Welcome")
    bob.delete(f"/api/groups/{unheard}/members/{bob.id}")
    with app.app_context():
        entries = deliveries.after(begin.position, 99, begin.epoch, f"group:{heard}".__eq__)
    assert [entry.position for entry in entries] == [
        begin.position + number for number in range(1, len(entries) + 1)
    ]
    encoded = {entry.channel for entry in entries if entry.frame is not None}
    assert encoded == {f"group:{heard}", f"group:{joined}"}
    # Whoever joins hears what follows in the same reading, though nobody did when it was read.
    assert b"Welcome" in b"".join(entry.frame or b"" for entry in entries)
    assert Grant(cat.id) in [entry.effect for entry in entries]
    left = [entry.effect for entry in entries if entry.channel == f"group:{unheard}"]
    assert Revoke(bob.id) in left
