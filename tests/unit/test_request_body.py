"""Bodies that are too large, too many or too slow, and texts that are dear to normalise."""

from __future__ import annotations

import io
import unicodedata

import gevent
import pytest
from flask.testing import FlaskClient
from gevent import socket

from chatapp import request_body
from chatapp.domain import accounts, passwords
from chatapp.domain.errors import Invalid
from chatapp.request_body import MAX_FORM, MOST_FIELDS
from tests.support import forms
from tests.support.team import Person

#: What NFC sorts in quadratic time: 31 s where it stood in a form of 800 KB.
MARKS = "a" + "\u0301\u0316" * 20_000


def test_a_form_of_text_that_is_too_long_comes_back_and_a_larger_one_is_a_413(
    ann: Person, dm: str
) -> None:
    browser, path = ann.browser(), f"/conversations/{dm}"
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    text = "typed with care " * 10_000
    refused = forms.send(browser, path, content=text)
    assert refused.status_code == 400
    assert text.strip() in refused.text
    assert forms.send(browser, path, content="x" * MAX_FORM).status_code == 413


def test_a_form_in_chunks_is_not_cut_and_taken(ann: Person, dm: str) -> None:
    browser = ann.browser()
    form = f"content=first&csrf_token={forms.token(browser)}&rest=".encode()
    for rest, status in ((b"x" * 100, 303), (b"x" * MAX_FORM, 413), (b"x" * 9 * MAX_FORM, 413)):
        stream = io.BytesIO(form + rest)
        answer = browser.post(
            f"/conversations/{dm}",
            input_stream=stream,
            content_type="application/x-www-form-urlencoded",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True, "wsgi.input": stream},
        )
        assert answer.status_code == status
    assert len(ann.get(f"/api/messages?directMessageId={dm}").json or []) == 1


@pytest.mark.parametrize("path", ["/sign-in", "/join/none", "/api/messages"])
def test_a_form_of_very_many_fields_is_not_taken_apart(client: FlaskClient, path: str) -> None:
    kind = "application/x-www-form-urlencoded"
    for fields, status in ((MOST_FIELDS - 1, {400, 401, 404}), (MOST_FIELDS, {413})):
        assert client.post(path, data="b=&" * fields, content_type=kind).status_code in status


def test_a_body_that_does_not_come_is_given_up(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the page that says so, which shows what was typed, wait for it."""
    monkeypatch.setattr(request_body, "PATIENCE", 0.01)
    ours, theirs = socket.socketpair()
    with gevent.Timeout(20), ours, theirs, theirs.makefile("rb", buffering=0) as stream:
        ours.sendall(b"name=ann&")
        answer = client.post(
            "/sign-in",
            content_type="application/x-www-form-urlencoded",
            headers={"Content-Length": "100", "Accept": "text/html"},
            environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": "100"},
        )
    assert answer.status_code == 408


@pytest.mark.parametrize("text", [MARKS, MARKS * 3])
def test_no_more_of_a_typed_name_or_password_is_normalised_than_could_be_one(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    normalised: list[int] = []
    normalize = unicodedata.normalize

    def measured(form: str, given: str) -> str:
        normalised.append(len(given))
        return normalize(form, given)  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", measured)
    assert accounts.normal_name(f"  {text}") == accounts.normal_name(text)
    with pytest.raises(Invalid, match="at most 200"):
        passwords.check_new(text, text)
    assert not passwords.verify_password(None, text)
    assert max(normalised) <= passwords.MOST_TYPED


def test_a_password_of_decomposed_letters_is_as_long_as_it_looks() -> None:
    composed = "\u1f82" * passwords.MOST
    typed = unicodedata.normalize("NFD", composed)
    assert len(typed) == passwords.MOST_TYPED
    passwords.check_new(typed)
    assert passwords.verify_password(passwords.hash_password(composed), typed)
