"""When history goes backwards, every client is told to load afresh."""

from __future__ import annotations

from flask import Flask

from chatapp.domain import log
from tests.support.stream import listen
from tests.support.team import Team


def test_a_new_epoch_resets_whoever_comes_with_an_old_cursor(team: Team, app: Flask) -> None:
    ann, bob = team.people("ann", "bob")
    dm = team.dm(ann, bob)
    ann.say(dm, "Before")
    with app.app_context():
        before = log.head()
    said = app.test_cli_runner().invoke(args=["new-epoch", "--yes"])
    with app.app_context():
        after = log.head()
    assert after.epoch in said.output
    assert after.epoch != before.epoch
    assert after.position == before.position
    with listen(bob, cursor=f"{before.epoch}-{before.position}") as stream:
        assert stream.next().json["reason"] == "epoch"
