"""The pages without JavaScript: reading, writing, finding, by links and forms alone."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from tests.support.forms import send, token
from tests.support.team import Person, Team


@pytest.fixture
def ann(team: Team) -> Person:
    return team.person("ann", admin=True)


def test_the_front_page_leads_to_the_sign_in_or_to_the_conversations(
    client: FlaskClient, ann: Person
) -> None:
    assert client.get("/").location == "/sign-in"
    assert ann.browser().get("/").location == "/conversations"


def test_a_page_sends_who_is_not_signed_in_to_sign_in_and_back(client: FlaskClient) -> None:
    answer = client.get("/people?people=an")
    assert answer.status_code == 303
    assert unquote(answer.location) == "/sign-in?next=/people?people=an"


def test_a_file_is_kept_for_a_year_by_its_version_and_not_by_an_old_one(
    client: FlaskClient,
) -> None:
    found = re.search(r'href="(/static/[^"]+\.css)"', client.get("/sign-in").text)
    assert found
    _, _, version, file = found[1].split("/", 3)
    for asked, wanted in ((version, "immutable"), ("old", "no-cache")):
        with client.get(f"/static/{asked}/{file}") as answer:
            assert answer.status_code == 200
            assert wanted in answer.headers["Cache-Control"]


def test_every_page_of_a_signed_in_person_renders(team: Team, ann: Person, bob: Person) -> None:
    group, dm = team.group(ann, bob), team.dm(ann, bob)
    message = team.post(ann, group, "Hello")
    browser = ann.browser()
    for path in [
        "/conversations",
        "/conversations?q=bo",
        "/conversations?q=bo&fragment=1",
        f"/conversations/{group}",
        f"/conversations/{dm}",
        f"/conversations/{group}?around={message.id}",
        f"/conversations/{group}/details",
        f"/conversations/{dm}/details",
        f"/conversations/{group}/people/add",
        f"/messages/{message.id}",
        f"/messages/{message.id}/edit",
        f"/messages/{message.id}/delete",
        "/direct-messages/new",
        "/groups",
        "/groups/new",
        "/people",
        "/profile",
        "/admin/people",
        "/admin/invites",
    ]:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "Undefined" not in answer.text


def test_a_direct_message_says_that_its_other_one_is_gone(
    team: Team, ann: Person, bob: Person
) -> None:
    path, browser = f"/conversations/{team.dm(ann, bob)}", ann.browser()
    assert "deactivated" not in browser.get(path).text
    team.deactivate(ann, bob)
    assert ">deactivated</span>" in browser.get(path).text


def test_what_is_posted_by_form_is_in_the_conversation(
    team: Team, ann: Person, bob: Person
) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    answer = send(browser, f"/conversations/{dm}", content="Hello *Bob*", client_id="c1")
    assert answer.status_code == 303
    assert "Hello <em>Bob</em>" in browser.get(answer.location).text
    assert "Hello <em>Bob</em>" in bob.browser().get(f"/conversations/{dm}").text


def test_a_form_sent_twice_posts_once(team: Team, ann: Person, bob: Person) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    for _ in range(2):
        send(browser, f"/conversations/{dm}", content="Only once", client_id="c1")
    assert browser.get(f"/conversations/{dm}").text.count("<p>Only once</p>") == 1


@pytest.mark.parametrize("meanwhile", ["nothing", "edited", "deleted"])
def test_who_goes_back_to_the_form_and_writes_something_else_has_it_posted(
    team: Team, ann: Person, bob: Person, meanwhile: str
) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    send(browser, f"/conversations/{dm}", content="The first", client_id="c1")
    (first,) = ann.get(f"/api/messages?directMessageId={dm}").json or []
    if meanwhile == "edited":
        ann.patch(f"/api/messages/{first['id']}", json={"content": "The first, mended"})
    elif meanwhile == "deleted":
        ann.delete(f"/api/messages/{first['id']}")
    for _ in range(2):
        answer = send(browser, f"/conversations/{dm}", content="The second", client_id="c1")
        assert answer.status_code == 303
    assert browser.get(f"/conversations/{dm}").text.count("<p>The second</p>") == 1


@pytest.mark.parametrize(
    ("content", "words"), [(" \r\n ", "Write something first."), ("x" * 8001, "8,001 characters")]
)
def test_a_refused_message_comes_back_with_the_reason(
    team: Team, ann: Person, bob: Person, content: str, words: str
) -> None:
    answer = send(ann.browser(), f"/conversations/{team.dm(ann, bob)}", content=content)
    assert answer.status_code == 400
    assert words in answer.text
    assert content.strip() in answer.text


def test_text_survives_a_session_that_ended(team: Team, ann: Person, bob: Person) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    csrf = token(browser)
    with browser.session_transaction() as cookie:
        del cookie["secret"]
    path, fields = f"/conversations/{dm}", {"content": "Long & dear"}
    answer = browser.post(path, data={**fields, "csrf_token": csrf})
    assert answer.status_code == 401
    assert "Long &amp; dear</textarea>" in answer.text


def test_text_survives_a_form_of_another_session(team: Team, ann: Person, bob: Person) -> None:
    browser = ann.browser()
    path, fields = f"/conversations/{team.dm(ann, bob)}", {"content": "Long & dear"}
    answer = browser.post(path, data=fields, headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "Long &amp; dear</textarea>" in answer.text


def test_a_conversation_opens_at_the_first_unread_message(
    team: Team, ann: Person, bob: Person
) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    sent = [team.post(bob, dm, f"Number {number}") for number in range(80)]
    page = browser.get(f"/conversations/{dm}").text
    assert page.index('id="unread"') < page.index(sent[0].id)
    assert "data-has-newer" in page
    send(browser, f"/conversations/{dm}/read", message_id=sent[-1].id)
    page = browser.get(f"/conversations/{dm}").text
    assert 'id="unread"' not in page
    assert "data-has-newer" not in page


def test_older_and_newer_pages_meet(team: Team, ann: Person, bob: Person) -> None:
    dm, browser = team.dm(ann, bob), bob.browser()
    sent = [team.post(bob, dm, f"Number {number}").id for number in range(120)]
    shown = ids(browser.get(f"/conversations/{dm}").text)
    assert shown == sent[-50:]
    older = ids(browser.get(f"/conversations/{dm}?before={shown[0]}").text)
    assert older == sent[20:70]
    assert ids(browser.get(f"/conversations/{dm}?after={older[-1]}").text) == sent[70:]
    around = ids(browser.get(f"/conversations/{dm}?around={sent[60]}").text)
    assert around == sent[35:86]


def ids(page: str) -> list[str]:
    """Return the ids of the messages on a page, from the top."""
    return [id_ for id_ in re.findall(r'data-message-id="([^"]*)"', page) if id_]


def test_messages_of_one_author_make_a_block(team: Team, ann: Person, bob: Person) -> None:
    dm = team.dm(ann, bob)
    for author in (ann, ann, bob):
        team.post(author, dm, "Words")
    page = ann.browser().get(f"/conversations/{dm}").text
    assert re.findall(r'<li class="([^"]*)"', page)[:4] == [
        "day",
        "message",
        "message continued",
        "unread-divider",
    ]


def test_the_markup_of_a_message_is_the_same_for_every_reader(
    team: Team, ann: Person, bob: Person
) -> None:
    dm = team.dm(ann, bob)
    team.post(ann, dm, "Words")

    def markup(reader: Person) -> str:
        page = reader.browser().get(f"/conversations/{dm}").text
        found = re.search(r'<li class="message".*?</li>', page, re.DOTALL)
        assert found is not None
        return found[0]

    assert markup(ann) == markup(bob)


def test_ones_own_message_is_edited_and_deleted_on_its_page(
    team: Team, ann: Person, bob: Person
) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    message = team.post(ann, dm, "Frist")
    path = f"/messages/{message.id}"
    refused = send(browser, f"{path}/edit", content=" ")
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    send(browser, f"{path}/edit", content="First")
    assert "<p>First</p>" in bob.browser().get(f"/conversations/{dm}").text
    assert send(bob.browser(), f"{path}/edit", content="Mine").status_code == 403
    send(browser, f"{path}/delete")
    assert browser.get(path).status_code == 404


def test_markup_in_names_is_text(team: Team, ann: Person) -> None:
    eve = team.person("eve", display_name='<img src=x onerror="alert(1)">')
    dm = team.dm(ann, eve)
    team.post(eve, dm, "Hello")
    for path in (
        f"/conversations/{dm}",
        f"/conversations/{dm}/details",
        "/people",
        "/admin/people",
    ):
        assert "<img" not in ann.browser().get(path).text


def test_a_place_around_a_deleted_message_still_opens(team: Team, ann: Person, bob: Person) -> None:
    dm, browser = team.dm(ann, bob), ann.browser()
    sent = [team.post(ann, dm, f"Number {number}").id for number in range(3)]
    send(browser, f"/messages/{sent[1]}/delete")
    assert ids(browser.get(f"/conversations/{dm}?around={sent[1]}").text) == [sent[0], sent[2]]


@pytest.mark.parametrize(
    "path", ["/groups?people=%00", "/conversations/%00", "/people?people=a%00"]
)
def test_nul_is_refused_before_any_query(ann: Person, path: str) -> None:
    assert ann.browser().get(path).status_code == 400


def test_nul_in_a_message_is_said_and_the_text_kept(team: Team, ann: Person, bob: Person) -> None:
    answer = send(ann.browser(), f"/conversations/{team.dm(ann, bob)}", content="Dear\0 Bob")
    assert answer.status_code == 400
    assert "NUL" in answer.text
    assert "Bob</textarea>" in answer.text


@pytest.mark.parametrize("query", ["before=msg_x", "after=msg_x", "around=msg_x"])
def test_a_place_that_does_not_exist_is_not_found(
    team: Team, ann: Person, bob: Person, query: str
) -> None:
    assert ann.browser().get(f"/conversations/{team.dm(ann, bob)}?{query}").status_code == 404


def test_an_outsider_finds_nothing_at_any_address(team: Team, ann: Person, bob: Person) -> None:
    group = team.group(ann)
    message = team.post(ann, group, "Words")
    browser = bob.browser()
    nothing = browser.get("/conversations/group_none").status_code
    for path in (f"/conversations/{group}", f"/messages/{message.id}"):
        assert browser.get(path).status_code == nothing == 404
    for path in ("details", "people/add"):
        assert browser.get(f"/conversations/{group}/{path}").status_code == 404
    for path in ("", "/read", "/details", "/leave", "/archive", f"/people/{ann.id}/remove"):
        answer = send(browser, f"/conversations/{group}{path}", content="x", name="x")
        assert answer.status_code == 404, path
