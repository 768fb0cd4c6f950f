"""How pages write times, browsers, and what a form's reader entered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from werkzeug.datastructures import MultiDict

from chatapp.domain.errors import Conflict, Invalid, NotFound
from chatapp.models import now
from chatapp.web import filters
from chatapp.web.forms import Form

MOMENT = datetime(2026, 11, 3, 7, 5, 9, 42_000, tzinfo=UTC)


def test_times_are_written_in_utc() -> None:
    assert filters.rfc3339(MOMENT) == "2026-11-03T07:05:09.042Z"
    assert filters.clock(MOMENT) == "07:05"
    assert filters.long_day(MOMENT.date()) == "3 November 2026"
    this_year = date(datetime.now(UTC).year, 11, 3)
    assert filters.divider_day(this_year) == f"{this_year:%A} 3 November"
    assert filters.divider_day(date(2025, 11, 3)) == "3 November 2025"
    assert filters.full_moment(MOMENT) == "3 November 2026, 07:05 UTC"


def test_a_list_writes_a_time_in_a_few_letters() -> None:
    moment = now()
    assert filters.short_time(None) == ""
    assert filters.short_time(moment) == f"{moment:%H:%M}"
    assert filters.short_time(moment - timedelta(days=3)) == f"{moment - timedelta(days=3):%a}"
    assert filters.short_time(datetime(2020, 2, 9, tzinfo=UTC)) == "9 Feb"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/143 Safari/537 Edg/143",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/605", "Safari on iPhone"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_by_its_user_agent(agent: str, name: str) -> None:
    assert filters.browser(agent) == name


def form(**entered: str) -> Form:
    return Form("name", "user_ids", source=MultiDict(entered), name="As it stands")


def test_a_form_shows_what_stands_until_something_is_entered() -> None:
    assert form()["name"] == "As it stands"
    assert form(name="")["name"] == ""


def test_a_refusal_comes_out_at_its_field() -> None:
    refused = form()
    with refused.checked():
        raise Invalid("userIds", "Choose somebody.")
    assert (refused.errors, refused.focus, refused.status) == (
        {"user_ids": "Choose somebody."},
        "user_ids",
        400,
    )


def test_a_refusal_without_a_field_stands_above_the_form() -> None:
    refused = form()
    with refused.checked():
        raise Conflict("Too late.")
    assert (refused.errors, refused.focus, refused.status) == ({"": "Too late."}, "", 409)


def test_what_is_not_there_is_no_error_of_the_form() -> None:
    with pytest.raises(NotFound), form().checked():
        raise NotFound
