"""Makes the data that ours is measured with: `python -m benchmarks.team`, its own process.

Reads BENCH_USERS, BENCH_MESSAGES and BENCH_CONVERSATIONS beside the app's settings, writes `tokens`
(one a line) into the data folder, and prints the group's id and the cursor of who has missed the
last MISSED messages. A command a user would take a second each.
"""

# ruff: noqa: E402 - gevent patches before anything else is imported

from gevent import monkey

monkey.patch_all()

import os
from pathlib import Path

from sqlalchemy import text

from chatapp import create_app
from chatapp.domain import accounts, groups, log, tokens
from chatapp.domain import messages as posting
from chatapp.domain.identity import Identity
from chatapp.extensions import db
from chatapp.models import User
from chatapp.realtime.cursor import Cursor
from chatapp.start import migrate
from chatapp.text import RENDERER_VERSION

#: What somebody who comes back has missed.
MISSED = 5
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


def make(users: int, messages: int, conversations: int, tokens_file: Path) -> tuple[str, Cursor]:
    """Make the users, their tokens and their groups; return a group's id and a cursor."""
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
    for number in range(1, conversations):
        groups.create(
            _identity(owner), f"Bench {number}", [user.id for user in others], private=True
        )
    head = log.head()
    if conversations > 1:
        for number in range(MISSED):
            posting.post(_identity(owner), group.id, f"The message {number} that was missed.")
    return group.id, Cursor(head.epoch, head.position)


if __name__ == "__main__":
    users, messages = int(os.environ["BENCH_USERS"]), int(os.environ["BENCH_MESSAGES"])
    conversations = int(os.environ["BENCH_CONVERSATIONS"])
    with create_app().app_context():
        migrate()
        tokens_file = Path(os.environ["CHAT_DATA_DIR"], "tokens")
        print(*make(users, messages, conversations, tokens_file))
