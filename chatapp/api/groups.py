"""``/api/groups``."""

from __future__ import annotations

from flask import Blueprint, Response

from chatapp import identity, throttle
from chatapp.api import representations as show
from chatapp.api.answers import json_answer
from chatapp.api.body import read_body
from chatapp.api.fields import Boolean, IdList, Line, Optional
from chatapp.api.query import read_query
from chatapp.domain import conversations, groups
from chatapp.domain.identity import Identity

bp = Blueprint("groups", __name__, url_prefix="/groups")


@bp.get("")
def browse() -> Response:
    """Return the public groups, to find and to join."""
    query = read_query("q")
    listed = groups.browse(identity.current(), query.get("q", ""))
    return json_answer(
        [
            {
                **show.conversation_facts(entry.conversation),
                "memberCount": entry.member_count,
                "joined": entry.joined,
            }
            for entry in listed
        ]
    )


@bp.post("")
def create() -> Response:
    """Make a group that the caller owns."""
    me = identity.current()
    body = read_body(
        name=Line(groups.NAME_LENGTH),
        userIds=Optional(IdList(max=groups.MOST_NAMED, min=0)),
        private=Optional(Boolean()),
        topic=Optional(Line(groups.TOPIC_LENGTH, min=0)),
    )
    throttle.check_change(me.user_id)
    group = groups.create(
        me,
        body["name"],
        body["userIds"] or [],
        private=bool(body["private"]),
        topic=body["topic"] or "",
    )
    return _answer(me, group.id, 201)


@bp.patch("/<group_id>")
def change(group_id: str) -> Response:
    """Rename a group, set its topic, archive it or bring it back."""
    me = identity.current()
    body = read_body(
        name=Optional(Line(groups.NAME_LENGTH)),
        topic=Optional(Line(groups.TOPIC_LENGTH, min=0)),
        archived=Optional(Boolean()),
    )
    throttle.check_change(me.user_id)
    groups.change(me, group_id, **body)
    return _answer(me, group_id)


@bp.post("/<group_id>/members")
def add_members(group_id: str) -> Response:
    """Let people in; naming oneself joins a public group."""
    me = identity.current()
    body = read_body(userIds=IdList(max=groups.MOST_NAMED))
    throttle.check_change(me.user_id)
    groups.add_members(me, group_id, body["userIds"])
    return _answer(me, group_id)


@bp.delete("/<group_id>/members/<user_id>")
def remove_member(group_id: str, user_id: str) -> tuple[str, int]:
    """Leave a group, or put somebody out of it."""
    me = identity.current()
    throttle.check_change(me.user_id)
    groups.remove_member(me, group_id, user_id)
    return "", 204


def _answer(me: Identity, group_id: str, status: int = 200) -> Response:
    return json_answer(show.conversation(conversations.view_for(me, group_id)), status)
