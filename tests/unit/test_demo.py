from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from chatapp import demo
from chatapp.demo import script
from chatapp.demo.people import GUESTS, TEAM
from chatapp.domain import conversations, log, sessions
from chatapp.domain.errors import Conflict
from chatapp.extensions import db
from chatapp.models import Conversation, Event, Message, User, now
from tests.support.team import Team


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def test_everybody_named_in_the_script_exists_and_is_where_they_speak() -> None:
    names = {person.name for person in TEAM}
    for scene in script.scenes():
        assert set(scene.members) <= names
        assert {line.author for line in scene.lines} <= set(scene.members), scene.name
        assert scene.owner is None or scene.owner in scene.members
        assert set(scene.unread) <= set(GUESTS)


def test_what_is_unread_is_by_others_and_the_last_thing_said() -> None:
    for scene in script.scenes():
        for reader, count in scene.unread.items():
            unread = [line.author for line in scene.lines[-count:]]
            assert len(unread) == count
            assert reader not in unread, scene.name


def test_the_script_runs_forward_and_ends_before_now() -> None:
    for scene in script.scenes():
        times = [line.ago for line in scene.lines]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == len(times)
        assert timedelta(minutes=1) < times[-1]
        assert times[0] < timedelta(days=14, hours=12)


def test_a_script_is_read() -> None:
    text = (
        "= dm ann bob\nunread ann 1\n\n@ 2 days ago\n09:00 ann: Hello\n\n- a\n- b\n\n"
        "@ today\n17:00 bob edited: Hi\n"
    )
    (scene,) = script.parse(text)
    assert (scene.kind, scene.members, scene.unread) == ("dm", ["ann", "bob"], {"ann": 1})
    first, second = scene.lines
    assert first.text == "Hello\n\n- a\n- b"
    assert first.ago == timedelta(days=2, hours=8, minutes=30)
    assert (second.author, second.edited, second.ago) == ("bob", True, timedelta(minutes=30))


@pytest.mark.parametrize("text", ["= dm a b\nodd fact\n", "= group A\n\n@ someday\n09:00 a: x\n"])
def test_a_mistake_in_a_script_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"odd|someday"):
        list(script.parse(text))


def test_the_demo_is_lively(tmp_path: Path) -> None:
    told = demo.fill(tmp_path)
    assert db.session.scalar(select(func.count()).select_from(Message)) == 447
    newest = db.session.scalar(select(func.max(Message.created_at)))
    assert newest
    assert timedelta(0) < now() - newest < timedelta(hours=1)
    pairs = dict(line.split()[1::2] for line in told.splitlines() if line.startswith("  name"))
    assert [name.strip(",") for name in pairs] == list(GUESTS)
    for name, password in pairs.items():
        me = sessions.find(sessions.sign_in(name.strip(","), password)[0])
        assert me
        seen = conversations.overview(me)
        assert len(seen) > 8
        assert sum(view.unread_count for view in seen) >= 7


def test_the_log_and_the_messages_agree(tmp_path: Path) -> None:
    demo.fill(tmp_path)
    logged = select(Event.position, Event.subject_id, Event.type).order_by(Event.position)
    events = db.session.execute(logged).all()
    assert [row.position for row in events] == list(range(1, len(events) + 1))
    assert log.head().position == len(events)
    created = {row.subject_id: row.position for row in events if row.type == "message:created"}
    assert created == dict(db.session.execute(select(Message.id, Message.position)).all())
    by_time = select(Message.position).order_by(Message.created_at, Message.position)
    positions = list(db.session.scalars(by_time))
    assert positions == sorted(positions)


def test_a_second_run_only_prints_the_sign_ins_again(tmp_path: Path) -> None:
    first, second = demo.fill(tmp_path), demo.fill(tmp_path)
    assert "already" in second
    assert first.splitlines()[1:] == second.splitlines()[1:]
    assert db.session.scalar(select(func.count()).select_from(User)) == len(TEAM)
    assert (tmp_path / demo.FILE).stat().st_mode & 0o777 == 0o600


def test_the_demo_does_not_move_in_with_others(tmp_path: Path, team: Team) -> None:
    team.person("ann")
    with pytest.raises(Conflict, match="CHAT_DATA_DIR"):
        demo.fill(tmp_path)
    assert db.session.scalar(select(func.count()).select_from(Conversation)) == 0
