"""Who is online, as the API, the stream and the pages say it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from chatapp.realtime import presence as module
from tests.support.stream import Stream, listen
from tests.support.team import Person, Team

#: A sign of presence in a page: whose, and whether there is a word in it.
SIGN = re.compile(r'<span class="online" data-person="(user_[^"]+)">(online)?</span>')


@pytest.fixture
def beat(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Look who came and went; nothing else looks, and nobody has a grace."""
    monkeypatch.setattr(module, "BEAT", 3600.0)
    monkeypatch.setattr(module, "GRACE", -1.0)
    looked: Callable[[], None] = app.extensions["chatapp"].presence.beat
    return looked


def online(person: Person, query: str = "") -> list[str]:
    answer = person.get(f"/api/presence{query}")
    assert answer.status_code == 200, answer.text
    return list((answer.json or {})["online"])


def opened(person: Person) -> Stream:
    stream = listen(person)
    stream.passes_over = set()
    stream.ready()
    return stream


def signs(page: str) -> dict[str, bool]:
    return {user_id: bool(word) for user_id, word in SIGN.findall(page)}


def test_coming_and_going_are_told(ann: Person, bob: Person, beat: Callable[[], None]) -> None:
    with opened(ann) as hers:
        beat()
        [signal] = hers.until("presence")
        assert signal.json == {"type": "presence", "online": [ann.id], "offline": []}
        before = hers.last_event_id
        with opened(bob):
            beat()
            [signal] = hers.until("presence", online=[bob.id])
            # No id of its own: what was seen stays what was seen.
            assert signal.last_event_id == before
            assert set(online(ann)) == {ann.id, bob.id}
        beat()
        [signal] = hers.until("presence")
        assert signal.json == {"type": "presence", "online": [], "offline": [bob.id]}
        assert online(ann) == [ann.id]


def test_it_is_in_no_replay(ann: Person, bob: Person, beat: Callable[[], None]) -> None:
    cursor = bob.get("/api/conversations").headers["Chat-Cursor"]
    with opened(ann):
        beat()
        assert bob.get("/api/conversations").headers["Chat-Cursor"] == cursor
        with listen(bob, cursor=cursor) as stream:
            stream.passes_over = set()
            assert stream.ready() == []


def test_a_stream_of_named_channels_hears_none_and_counts(
    ann: Person, bob: Person, dm: str, beat: Callable[[], None]
) -> None:
    with opened(ann) as whole, listen(bob, f"dm:{dm}") as named:
        named.passes_over = set()
        named.ready()
        beat()
        assert set(whole.until("presence")[0].json["online"]) == {ann.id, bob.id}
        ann.say(dm, "fence")
        assert [event.type for event in named.until("message")] == ["message"]


def test_the_api_says_who_is_online(
    team: Team, ann: Person, bob: Person, beat: Callable[[], None]
) -> None:
    with opened(bob):
        beat()
        users = {user["id"]: user["online"] for user in ann.get("/api/users").json or []}
        assert users == {ann.id: False, bob.id: True}
        assert (ann.get("/api/users?q=bob").json or [])[0]["online"] is True
        assert online(ann, f"?userId={ann.id}&userId={bob.id}&userId=user_nobody") == [bob.id]
        assert online(ann, f"?userId={ann.id}") == []
        assert "online" not in (ann.get("/api/me").json or {})


def test_questions_that_make_no_sense_are_refused(ann: Person) -> None:
    for query in ("who=ann", "&".join(["userId=user_x"] * 101)):
        answer = ann.get(f"/api/presence?{query}")
        assert (answer.status_code, len((answer.json or {})["errors"])) == (400, 1)


def test_who_is_deactivated_is_offline_at_once(
    team: Team, ann: Person, beat: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 3600.0)
    root = team.person("root", admin=True)
    with opened(root) as stream, opened(ann):
        beat()
        assert set(online(root)) == {root.id, ann.id}
        stream.until("presence")
        team.deactivate(root, ann)
        stream.until("user:updated")
        ann_shown = next(u for u in root.get("/api/users").json or [] if u["id"] == ann.id)
        assert (ann_shown["isActive"], ann_shown["online"]) == (False, False)
        beat()
        [*_, signal] = stream.until("presence")
        assert signal.json["offline"] == [ann.id]
        assert online(root) == [root.id]


def test_pages_are_drawn_with_who_is_online(
    team: Team, ann: Person, bob: Person, dm: str, beat: Callable[[], None]
) -> None:
    eve = team.person("eve")
    group, crowd = team.group(ann, bob, eve), team.dm(ann, bob, eve)
    browser = ann.browser()
    with opened(bob):
        beat()
        pages = {
            path: signs(browser.get(path).text)
            for path in ("/people", f"/conversations/{dm}", f"/conversations/{group}/details")
        }
    assert pages == {
        "/people": {ann.id: False, bob.id: True, eve.id: False},
        f"/conversations/{dm}": {bob.id: True},
        f"/conversations/{group}/details": {ann.id: False, bob.id: True, eve.id: False},
    }
    # In the list and in the header; a direct message of three is nobody's in particular.
    assert browser.get(f"/conversations/{dm}").text.count(f'data-person="{bob.id}"') == 2
    assert browser.get(f"/conversations/{crowd}").text.count(f'data-person="{bob.id}"') == 1
