"""What reading a conversation costs: as many statements for fifty messages as for one."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.statements import recorded
from tests.support.team import Person, Team

#: What makes a page cost as much as all before it; SQLAlchemy tells SQLite ``OFFSET 0``.
SKIPS = re.compile(r"\bOFFSET (?!0\b)", re.IGNORECASE)
COUNTS = re.compile(r"\bcount\(", re.IGNORECASE)
#: What counts, and stops at a number.
COUNTS_SO_FAR = re.compile(r"\bcount\(\*\)[^(]*FROM \(SELECT[^()]*\bLIMIT\b", re.IGNORECASE)
#: psycopg's place for a value; SQLite's are filled in already.
NAMED = re.compile(r"%\(\w+\)s")
MANY = 60


@pytest.fixture
def people(team: Team) -> list[Person]:
    return team.people("ann", "bob", "carl", "dora", "emil", "fay")


@pytest.fixture
def quiet(team: Team, people: list[Person]) -> str:
    """A group with one message, which ann has not read."""
    group = team.group(*people, name="Quiet")
    team.post(people[1], group, "Hello")
    return group


@pytest.fixture
def busy(team: Team, people: list[Person]) -> str:
    """A group where everybody has written, more than a page holds."""
    group = team.group(*people, name="Busy")
    for number in range(MANY):
        team.post(people[number % len(people)], group, str(number))
    return group


def statements_of(app: Flask, client: FlaskClient, path: str) -> list[str]:
    """Return the statements of one call; of a second one, which finds nothing left to set up."""
    client.get(path)
    with recorded(app) as statements:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [NAMED.sub("?", text) for text in statements]


@pytest.mark.parametrize(
    "path",
    ["/api/messages?groupId={0}", "/api/messages?groupId={0}&limit=1", "/conversations/{0}"],
)
def test_a_page_of_many_costs_no_more_statements_than_a_message(
    app: Flask, people: list[Person], quiet: str, busy: str, path: str
) -> None:
    client = people[0].browser()
    few = statements_of(app, client, path.format(quiet))
    many = statements_of(app, client, path.format(busy))
    assert few
    assert len(many) == len(few), "\n".join(many)


def test_no_page_of_messages_is_found_by_counting(
    app: Flask, people: list[Person], busy: str
) -> None:
    client, path = people[0].browser(), f"/api/messages?groupId={busy}"
    ids = [message["id"] for message in client.get(f"{path}&limit=100").json or []]
    assert len(ids) == MANY
    for query in ("", f"&before={ids[-5]}", f"&after={ids[5]}"):
        statements = statements_of(app, client, path + query)
        of_messages = [text for text in statements if "messages.content" in text]
        assert len(of_messages) == 1, query
        assert "LIMIT" in of_messages[0]
        assert [text for text in statements if SKIPS.search(text) or COUNTS.search(text)] == []


def test_opening_a_conversation_skips_none_and_stops_counting_somewhere(
    app: Flask, people: list[Person], busy: str
) -> None:
    statements = statements_of(app, people[0].browser(), f"/conversations/{busy}")
    assert [text for text in statements if SKIPS.search(text)] == []
    counting = [text for text in statements if COUNTS.search(text)]
    assert counting, "the premise: what is unread is counted"
    assert [text for text in counting if not COUNTS_SO_FAR.search(text)] == []


def test_opening_a_conversation_costs_no_more_beside_many_others(
    app: Flask, team: Team, people: list[Person], busy: str
) -> None:
    client, path = people[0].browser(), f"/conversations/{busy}"
    team.post(people[1], team.dm(*people[:2]), "Hello")
    few = statements_of(app, client, path)
    for number in range(20):
        team.post(people[1], team.group(*people, name=f"Other {number}"), "Hello")
    many = statements_of(app, client, path)
    assert len(many) == len(few), "\n".join(many)
