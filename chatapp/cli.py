"""The ``flask`` commands for people, tokens and links.

They may run beside a live server: what they change reaches its streams by the log.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from chatapp import backup_commands, copy_commands
from chatapp.command_errors import plain_errors
from chatapp.config import Settings
from chatapp.domain import accounts, invites, people, resets, setup, tokens
from chatapp.domain.identity import Identity

#: Whoever can run these commands on the server may do anything.
OPERATOR = Identity("", "operator", "Operator", is_admin=True, credential_id="")


def init_app(app: Flask) -> None:
    """Add the commands to ``flask``."""
    ours = (user_commands, token_commands, invite_commands, setup_link, fill_demo)
    for command in (*ours, *backup_commands.COMMANDS, *copy_commands.COMMANDS):
        app.cli.add_command(command)


user_commands = AppGroup("user", help="People: make accounts, shut them out, let them in again.")
token_commands = AppGroup("token", help="API tokens: how scripts and bots sign in.")
invite_commands = AppGroup("invite", help="Invite links: how people join the team.")

password_stdin = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input instead of asking for it twice.",
)


@user_commands.command("create")
@click.argument("name")
@click.option("--display-name", default="", help="The name that others see; NAME if left out.")
@click.option("--admin", is_flag=True, help="Make the person an administrator.")
@password_stdin
@plain_errors
def create_user(name: str, display_name: str, admin: bool, password_stdin: bool) -> None:
    """Make an account that signs in as NAME.

    NAME has 2 to 40 characters: a to z, digits, dots, dashes and underscores. The password has
    at least 10 characters.

    Example: flask user create mara --display-name "Mara Lindqvist" --admin
    """
    accounts.checked_name(name)
    user = accounts.create(name, display_name, _password(password_stdin), is_admin=admin)
    click.echo(f"Created {'the administrator ' if admin else ''}{user.name}.")


@user_commands.command("list")
@plain_errors
def list_users() -> None:
    """Print everybody: name, role, state, and the name that others see."""
    rows = [
        (
            user.name,
            "admin" if user.is_admin else "member",
            "active" if user.is_active else "deactivated",
            user.display_name,
        )
        for user in people.everybody(OPERATOR)
    ]
    _table(("NAME", "ROLE", "STATE", "DISPLAY NAME"), rows)


@user_commands.command("deactivate")
@click.argument("name")
@plain_errors
def deactivate_user(name: str) -> None:
    """Shut NAME out: sessions, tokens, streams and links end at once, messages stay."""
    user = accounts.deactivate(OPERATOR, accounts.by_name(name).id)
    click.echo(f"{user.name} is deactivated.")


@user_commands.command("reactivate")
@click.argument("name")
@plain_errors
def reactivate_user(name: str) -> None:
    """Let NAME sign in again, with the password they had."""
    user = accounts.reactivate(OPERATOR, accounts.by_name(name).id)
    click.echo(f"{user.name} is active.")


@user_commands.command("password")
@click.argument("name")
@password_stdin
@plain_errors
def change_password(name: str, password_stdin: bool) -> None:
    """Give NAME a new password. Every browser that is signed in as NAME is signed out."""
    user = accounts.by_name(name)
    accounts.replace_password(OPERATOR, user.id, _password(password_stdin))
    click.echo(f"{user.name} has a new password.")


@user_commands.command("reset-link")
@click.argument("name")
@plain_errors
def reset_link(name: str) -> None:
    """Print a link by which NAME chooses a new password, once, within 24 hours."""
    click.echo(f"/reset/{resets.create(OPERATOR, accounts.by_name(name).id)}")


@token_commands.command("create")
@click.argument("name")
@click.option("--label", default="", help="What the token is for, to know it by later.")
@plain_errors
def create_token(name: str, label: str) -> None:
    """Make an API token that acts as the user NAME, and print it, alone.

    It is shown this once: only its hash is kept. Send it as `Authorization: Bearer TOKEN`.
    """
    secret, _ = tokens.create(OPERATOR, name, label)
    click.echo(secret)


@token_commands.command("list")
@click.argument("name")
@plain_errors
def list_tokens(name: str) -> None:
    """Print the live tokens of the user NAME: id, day of creation, label."""
    live = tokens.listing(OPERATOR, name)
    rows = [(token.id, f"{token.created_at:%Y-%m-%d}", token.label) for token in live]
    _table(("ID", "CREATED", "LABEL"), rows)


@token_commands.command("revoke")
@click.argument("token_id", metavar="ID")
@plain_errors
def revoke_token(token_id: str) -> None:
    """End the token of this ID (see `flask token list`), and the streams it has open."""
    tokens.revoke(OPERATOR, token_id)
    click.echo(f"{token_id} is revoked.")


@invite_commands.command("create")
@click.option("--many", is_flag=True, help="Let any number of people join by it, not just one.")
@click.option(
    "--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How long it works."
)
@click.option("--label", default="", help="Whom it is for, to know it by later.")
@plain_errors
def create_invite(many: bool, days: int, label: str) -> None:
    """Print a link to join the team by: the part behind the server's address."""
    lifetime = timedelta(days=days)
    secret = invites.create(OPERATOR, single_use=not many, expires_in=lifetime, label=label)
    click.echo(f"/join/{secret}")


@click.command("setup-link")
@with_appcontext
@plain_errors
def setup_link() -> None:
    """Print the link that makes the first administrator; the one printed before ends.

    It is the part behind the server's address. Once there is an administrator there is none.
    """
    secret = setup.ensure_setup_token()
    if secret is None:
        raise click.ClickException("There is an administrator already. Sign in instead.")
    click.echo(f"/set-up/{secret}")


@click.command("demo")
@with_appcontext
@plain_errors
def fill_demo() -> None:
    """Fill an empty chat with a lively demo team, and print two sign-ins to try side by side.

    Run again, it only prints the sign-ins.
    """
    # Imported here: no other command needs its texts.
    from chatapp import demo

    click.echo(demo.fill(Settings.from_env().data_dir), nl=False)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
