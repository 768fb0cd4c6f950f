"""Make the data ready to be served: in a child of the arbiter, which itself has no application."""

import sys
from contextlib import closing
from typing import Any, NoReturn, cast

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from redis import Redis
from redis.client import PubSub
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from chatapp import create_app
from chatapp.addresses import shown
from chatapp.config import Settings
from chatapp.domain.setup import ensure_setup_token
from chatapp.extensions import db
from chatapp.guard import refuse
from chatapp.realtime.doorbell import TIMEOUT, channel_of, connect

#: Connections that PostgreSQL takes from this role, to this database.
_ALLOWED = """
SELECT least(
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int,
    nullif(rolconnlimit, -1),
    nullif(datconnlimit, -1)
)
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
"""


def ready_data(settings: Settings) -> str | None:
    """Bring the schema to its head; fill the demo team where the settings ask for it.

    Returns the path of the page that makes the first administrator, if there is none yet.
    """
    app = create_app(settings)
    check_redis(settings)
    with app.app_context():
        try:
            check_postgresql()
            check_connections(settings)
            migrate()
            token = None if settings.demo else ensure_setup_token()
        except DBAPIError as error:
            refuse(f"cannot use the database {shown(db.engine.url)}: {reason(error.orig)}")
        if settings.demo:
            fill_demo(app)
        db.engine.dispose()
    return f"/set-up/{token}" if token else None


def migrate() -> None:
    """Upgrade the schema, or leave if a newer program has made it."""
    config = current_app.extensions["migrate"].migrate.get_config()
    scripts = ScriptDirectory.from_config(config)
    with db.engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := found - {script.revision for script in scripts.walk_revisions()}:
        refuse(f"a newer chatapp has changed this database (schema {unknown.pop()}); update first")
    if found != set(scripts.get_heads()):
        command.upgrade(config, "head")


def check_postgresql() -> None:
    """Leave where PostgreSQL could not keep what we promise.

    A pooler in between may drop the limits that our connections bring; without the last of them
    a process that froze at the wrong moment would stop everybody's posts for ever.
    """
    if db.engine.dialect.name != "postgresql":
        return
    limit, isolation = "idle_in_transaction_session_timeout", "default_transaction_isolation"
    with db.engine.connect() as connection:
        encoding = _setting(connection, "server_encoding")
        if encoding != "UTF8":
            refuse(f"the database is of {encoding}: make one with --encoding UTF8")
        if _setting(connection, limit) == "0":
            _refuse_unset(limit, "8s")
        if _setting(connection, isolation) != "read committed":
            _refuse_unset(isolation, "read committed")


def check_connections(settings: Settings) -> None:
    """Say so where PostgreSQL takes fewer connections than this server's workers may want."""
    if settings.is_sqlite:
        return
    wanted = settings.web_concurrency * settings.database_connections
    with db.engine.connect() as connection:
        allowed = connection.exec_driver_sql(_ALLOWED).scalar_one()
        pooled = cast("Any", connection.connection.driver_connection).prepare_threshold is None
    # A pooler lends us as many as it likes, whatever PostgreSQL takes.
    if wanted > allowed and not pooled:
        say = f"{settings.web_concurrency} × CHAT_DATABASE_CONNECTIONS may want {wanted}"
        print(f"chatapp: PostgreSQL takes {allowed} connections, and {say}", file=sys.stderr)  # noqa: T201


def _setting(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql("SELECT current_setting(%s)", (name,)).scalar_one())


def _refuse_unset(name: str, value: str) -> NoReturn:
    say = f"set it there, by ALTER ROLE … SET {name} = '{value}'"
    refuse(f"{name} does not reach PostgreSQL: {say}")


def check_redis(settings: Settings) -> None:
    """Leave where Redis refuses us; say so, and go on, where it cannot be reached.

    Without it everything is only slower, so a start while it is away must succeed.
    """
    if settings.redis_url is None or settings.is_sqlite:
        return
    try:
        with connect(settings.redis_url) as client:
            _meet(client)
    except (AuthenticationError, ResponseError) as error:
        refuse(f"Redis does not let us in: {error}; look at REDIS_URL")
    except (RedisError, OSError) as error:
        say = "what others write comes up to 2 s late until it is back"
        print(f"chatapp: cannot reach Redis ({error}); {say}", file=sys.stderr, flush=True)  # noqa: T201


def _meet(client: Redis) -> None:
    """Publish and subscribe once: a user who is let in may still have no right to do so.

    No PING: a Redis whose disk is full answers that with an error, and does all that we need.
    """
    channel = channel_of(client)
    client.publish(channel, b"")
    with closing(PubSub(client.connection_pool)) as subscription:
        subscription.subscribe(channel)
        subscription.get_message(timeout=TIMEOUT)


def reason(error: object) -> str:
    """Return the first line that says why; libpq names each address that it tried."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def fill_demo(app: Flask) -> None:
    """Run `flask demo`, which prints its sign-ins."""
    app.cli.commands["demo"].main(args=[], standalone_mode=False)
