"""What every page of a signed-in person carries: the list, and where its stream starts."""

from __future__ import annotations

import secrets
from typing import Any

from flask import render_template

from chatapp.api.answers import current_cursor
from chatapp.domain import conversations
from chatapp.domain.identity import Identity
from chatapp.realtime.cursor import Cursor
from chatapp.web import present


def render(me: Identity, template: str, *, cursor: Cursor | None = None, **context: Any) -> str:
    """Render a page of ``me``; one that shows rows of the log passes the ``cursor`` read first."""
    cursor = cursor or current_cursor()
    context.setdefault("query", "")
    sidebar = [present.item(view, me) for view in conversations.overview(me, cursor.position)]
    return render_template(
        template,
        cursor=cursor,
        me=present.me_as_person(me),
        sidebar=sidebar,
        blank_item=present.Item(),
        blank_message=present.Shown(),
        client_id=secrets.token_urlsafe(16),
        **context,
    )
