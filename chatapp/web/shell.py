"""What every page of a signed-in person carries: the list, and where its stream starts."""

from __future__ import annotations

import secrets
from typing import Any

from flask import render_template

from chatapp.domain import conversations, log
from chatapp.domain.identity import Identity
from chatapp.realtime.cursor import Cursor
from chatapp.web import present


def cursor() -> Cursor:
    """Return where the page's stream is to start. Read it before the rows that the page shows."""
    head = log.head()
    return Cursor(head.epoch, head.position)


def render(me: Identity, template: str, **context: Any) -> str:
    """Render a page of ``me``; one that shows rows of the log passes the ``cursor`` read first."""
    at: Cursor = context.setdefault("cursor", cursor())
    context.setdefault("query", "")
    sidebar = [present.item(view, me) for view in conversations.overview(me, at.position)]
    return render_template(
        template,
        me=present.me_as_person(me),
        sidebar=sidebar,
        blank_item=present.Item(),
        blank_message=present.Shown(),
        client_id=secrets.token_urlsafe(16),
        **context,
    )
