"""Makes the data that ours is measured with: `python -m benchmarks.team`, its own process.

Reads BENCH_USERS and BENCH_MESSAGES beside the app's settings, writes `tokens` (one a line) into
the data folder, and prints the group's id. A command a user would take a second each.
"""

# ruff: noqa: E402 - gevent patches before anything else is imported

from gevent import monkey

monkey.patch_all()

import os
from pathlib import Path

from sqlalchemy import text

from chatapp import create_app
from chatapp.domain import accounts, groups, tokens
from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import User
from chatapp.start import migrate
from chatapp.text import RENDERER_VERSION

MANY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count), "
    "author(i, id) AS (SELECT row_number() OVER (ORDER BY id) - 1, id FROM users) "
    "INSERT INTO messages (id, conversation_id, author_id, position, content, html, "
    "html_version, created_at) SELECT 'msg_' || printf('%022d', n.i), :group, author.id, "
    ":after + n.i, 'The message ' || n.i || ' of this conversation, of a usual length.', "
    "'<p>The message ' || n.i || ' of this conversation, of a usual length.</p>', :version, "
    "strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n.i, 'unixepoch') "
    "FROM n JOIN author ON author.i = n.i % (SELECT count(*) FROM users)"
)
HEAD = text("UPDATE log_head SET position = position + :count, pruned_position = position + :count")


def _identity(user: User) -> Identity:
    return Identity(user.id, user.name, user.display_name, user.is_admin, "")


def _fill(group_id: str, count: int) -> None:
    """Write that many messages as if they had been posted before the retained log begins."""
    with db.engine.begin() as connection:
        after = connection.scalar(text("SELECT position FROM log_head"))
        values = {"count": count, "group": group_id, "after": after, "version": RENDERER_VERSION}
        connection.execute(MANY, values)
        connection.execute(HEAD, {"count": count})


def make(users: int, messages: int, tokens_file: Path) -> str:
    """Make the users, their tokens and their group; return the group's id."""
    people = [
        accounts.create(f"user{number}", f"User {number}", "a password of the bench")
        for number in range(users)
    ]
    tokens_file.touch(0o600)
    with tokens_file.open("w") as file:
        file.writelines(f"{tokens.create(_identity(me), me.name)[0]}\n" for me in people)
    owner, *others = people
    group = groups.create(_identity(owner), "Bench", [user.id for user in others], private=True)
    if messages:
        _fill(group.id, messages)
    return group.id


if __name__ == "__main__":
    users, messages = int(os.environ["BENCH_USERS"]), int(os.environ["BENCH_MESSAGES"])
    with create_app().app_context():
        migrate()
        print(make(users, messages, Path(os.environ["CHAT_DATA_DIR"], "tokens")))
