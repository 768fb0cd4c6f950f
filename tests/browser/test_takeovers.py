"""How soon another tab leads: in `scripts/faults --long`, for it needs a quiet machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import live_tab
from tests.browser.leading import HANG, another_leads, crash_as_a_page, crash_as_a_process
from tests.browser.page import expect_texts
from tests.browser.people import Person
from tests.browser.renderer import pid_of, stopped

pytestmark = pytest.mark.long

#: Seconds.
AT_MOST = 2.0

ENDS: dict[str, Callable[[Page], object]] = {
    "closed": lambda page: page.close(),
    "crashed": crash_as_a_page,
    "was killed": crash_as_a_process,
    "hung": lambda page: page.evaluate(HANG),
    "was stopped": lambda _: None,
}


@pytest.mark.parametrize("how", ENDS)
def test_another_tab_leads_within_two_seconds(
    ada: Person, ben: Person, signed_in: Callable[..., BrowserContext], how: str
) -> None:
    talk = ada.group(f"the leader {how}", ben)
    context = signed_in(ben)
    leader, *followers = [live_tab(context, talk.path) for _ in range(3)]
    stop = stopped(pid_of(leader)) if how == "was stopped" else nullcontext()
    with another_leads(context, how) as seconds, stop:
        ENDS[how](leader)
        ada.say(talk, "meanwhile")
        for page in followers:
            expect_texts(page, ["meanwhile"])
    assert seconds[0] <= AT_MOST
