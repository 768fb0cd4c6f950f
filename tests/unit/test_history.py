"""Paging through a conversation by its Link headers, from either end."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from tests.support.team import Person, Team

LINK = re.compile(r'<([^>]+)>; rel="(prev|next)"')


@pytest.fixture
def dm(team: Team, ann: Person) -> str:
    return team.dm(ann, team.person("bob"))


@pytest.fixture
def ids(team: Team, ann: Person, dm: str) -> list[str]:
    """Twelve messages."""
    return [team.post(ann, dm, str(number)).id for number in range(12)]


def links(answer: TestResponse) -> dict[str, str]:
    # As many a client reads it: by its name, once.
    found = answer.headers.get("Link", "").split(", ")
    return {match[2]: match[1] for match in map(LINK.fullmatch, found) if match}


def shown(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [message["id"] for message in answer.json or []]


def test_the_newest_page_comes_oldest_first(ann: Person, dm: str, ids: list[str]) -> None:
    answer = ann.get(f"/api/messages?directMessageId={dm}&limit=5")
    assert shown(answer) == ids[-5:]
    assert links(answer).keys() == {"prev"}
    assert re.fullmatch(r"[a-z0-9]+-\d+", answer.headers["Chat-Cursor"])


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 11, 12, 13, 100])
def test_prev_links_lead_to_the_beginning(ann: Person, dm: str, ids: list[str], limit: int) -> None:
    answer = ann.get(f"/api/messages?directMessageId={dm}&limit={limit}")
    seen = shown(answer)
    while "prev" in links(answer):
        answer = ann.get(links(answer)["prev"])
        assert len(shown(answer)) == min(limit, 12 - len(seen))
        seen = shown(answer) + seen
    assert seen == ids


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 11, 12, 100])
def test_next_links_lead_to_the_end(ann: Person, dm: str, ids: list[str], limit: int) -> None:
    answer = ann.get(f"/api/messages?directMessageId={dm}&after={ids[0]}&limit={limit}")
    seen = shown(answer)
    while "next" in links(answer):
        answer = ann.get(links(answer)["next"])
        seen += shown(answer)
    assert seen == ids[1:]


def test_there_and_back_again(ann: Person, dm: str, ids: list[str]) -> None:
    newest = ann.get(f"/api/messages?directMessageId={dm}&limit=4")
    older = ann.get(links(newest)["prev"])
    assert shown(ann.get(links(older)["next"])) == shown(newest)


def test_at_the_ends_there_is_nothing(ann: Person, dm: str, ids: list[str]) -> None:
    for query in (f"before={ids[0]}", f"after={ids[-1]}"):
        answer = ann.get(f"/api/messages?directMessageId={dm}&{query}")
        assert shown(answer) == []
        assert links(answer) == {}


def test_an_empty_conversation_is_an_empty_page(ann: Person, dm: str) -> None:
    answer = ann.get(f"/api/messages?directMessageId={dm}")
    assert shown(answer) == []
    assert links(answer) == {}


def test_a_page_has_fifty_unless_told(team: Team, ann: Person, dm: str) -> None:
    for number in range(101):
        team.post(ann, dm, str(number))
    assert len(shown(ann.get(f"/api/messages?directMessageId={dm}"))) == 50
    assert len(shown(ann.get(f"/api/messages?directMessageId={dm}&limit=100"))) == 100


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "", "x", "1e2", "\u0661", "9" * 5000])
def test_a_limit_outside_of_1_to_100_is_refused(ann: Person, dm: str, limit: str) -> None:
    query = {"directMessageId": dm, "limit": limit}
    answer = ann.get("/api/messages", query_string=query)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["", "extra=1", "before=BEFORE&after=AFTER", "limit=1&limit=2", "before=%00"]
)
def test_a_query_of_another_form_is_refused(
    ann: Person, dm: str, ids: list[str], query: str
) -> None:
    filled = query.replace("BEFORE", ids[5]).replace("AFTER", ids[1])
    base = f"directMessageId={dm}&" if query else ""
    assert ann.get(f"/api/messages?{base}{filled}").status_code == 400


def test_a_deleted_message_is_skipped_and_still_an_anchor(
    ann: Person, dm: str, ids: list[str]
) -> None:
    assert ann.delete(f"/api/messages/{ids[5]}").status_code == 204
    base = f"/api/messages?directMessageId={dm}&limit=3"
    assert shown(ann.get(f"{base}&after={ids[5]}")) == ids[6:9]
    assert shown(ann.get(f"{base}&before={ids[5]}")) == ids[2:5]
    assert shown(ann.get(f"{base}&before={ids[6]}")) == ids[2:5]
    assert shown(ann.get(f"/api/messages?directMessageId={dm}")) == ids[:5] + ids[6:]


def test_an_anchor_of_another_conversation_leads_nowhere(
    team: Team, ann: Person, dm: str, ids: list[str]
) -> None:
    group = team.group(ann)
    foreign = team.post(ann, group, "Elsewhere").id
    for anchor in (foreign, "msg_none", "x"):
        for side in ("before", "after"):
            answer = ann.get(f"/api/messages?directMessageId={dm}&{side}={anchor}")
            assert answer.status_code == 404


def test_messages_are_in_the_order_of_the_log_though_clocks_stand_still(
    team: Team, ann: Person, dm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatapp.models import now

    moment = now()
    monkeypatch.setattr("chatapp.domain.messages.now", lambda: moment)
    sent = [team.post(ann, dm, str(number)).id for number in range(10)]
    assert shown(ann.get(f"/api/messages?directMessageId={dm}")) == sent
