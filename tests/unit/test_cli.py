from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask

from chatapp import create_app
from chatapp.domain import invites, resets, sessions, setup, tokens
from tests.support import apps
from tests.support.server import ROOT, free_port
from tests.support.settings import settings_for
from tests.support.team import Team

PASSWORD = "four plain words here"


def run(app: Flask, *args: str, stdin: str = "") -> Result:
    return app.test_cli_runner().invoke(args=list(args), input=stdin)


def create(app: Flask, *args: str, password: str = PASSWORD) -> Result:
    return run(app, "user", "create", *args, "--password-stdin", stdin=f"{password}\n")


def test_a_person_made_by_command_signs_in(app: Flask) -> None:
    made = create(app, "mara", "--display-name", "Mara Lindqvist", "--admin")
    assert (made.exit_code, made.stdout) == (0, "Created the administrator mara.\n")
    with app.app_context():
        me = sessions.find(sessions.sign_in("mara", PASSWORD)[0])
    assert me
    assert (me.display_name, me.is_admin) == ("Mara Lindqvist", True)


def test_the_password_is_asked_for_twice(app: Flask) -> None:
    asked = run(app, "user", "create", "mara", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0
    assert PASSWORD not in asked.output
    assert "mara" in run(app, "user", "list").stdout


@pytest.mark.parametrize(
    ("args", "password", "said"),
    [
        (["taken"], PASSWORD, "Error: The name taken is taken. Choose another.\n"),
        (["m"], PASSWORD, "Error: A name has 2 to 40 characters"),
        (["mara"], "short", "Error: Choose a password of at least 10 characters.\n"),
        (["mara"], "", "Error: Choose a password of at least 10 characters.\n"),
    ],
)
def test_what_cannot_be_is_one_line_on_stderr(
    app: Flask, team: Team, args: list[str], password: str, said: str
) -> None:
    team.person("taken")
    result = create(app, *args, password=password)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_a_token_is_printed_alone(app: Flask, team: Team) -> None:
    team.person("mara")
    secret = run(app, "token", "create", "mara", "--label", "deploys").stdout.removesuffix("\n")
    assert secret.startswith("chat_")
    assert secret.split() == [secret]
    with app.app_context():
        found = tokens.find(secret)
    assert found
    listed = run(app, "token", "list", "mara").stdout
    assert found.credential_id in listed
    assert "deploys" in listed
    assert secret not in listed
    assert run(app, "token", "revoke", found.credential_id).exit_code == 0
    with app.app_context():
        assert tokens.find(secret) is None


def test_somebody_is_shut_out_and_let_in_again(app: Flask, team: Team) -> None:
    create(app, "mara")
    team.person("boss", admin=True)
    assert run(app, "user", "deactivate", "mara").stdout == "mara is deactivated.\n"
    assert "deactivated" in run(app, "user", "list").stdout
    assert run(app, "user", "reactivate", "mara").exit_code == 0
    assert "deactivated" not in run(app, "user", "list").stdout
    last = run(app, "user", "deactivate", "boss")
    assert (last.exit_code, last.stderr.count("\n")) == (1, 1)


def test_a_new_password_is_given(app: Flask) -> None:
    create(app, "mara")
    given = run(
        app, "user", "password", "mara", "--password-stdin", stdin="five even plainer words\r\n"
    )
    assert given.exit_code == 0
    with app.app_context():
        assert sessions.sign_in("mara", "five even plainer words")


@pytest.mark.parametrize(
    "args",
    [
        ("user", "deactivate", "nobody"),
        ("user", "password", "nobody", "--password-stdin"),
        ("user", "reset-link", "nobody"),
        ("token", "create", "nobody"),
        ("token", "list", "nobody"),
        ("token", "revoke", "token_x"),
    ],
)
def test_nobody_of_that_name_is_said(app: Flask, args: tuple[str, ...]) -> None:
    result = run(app, *args, stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no")
    assert result.stderr.count("\n") == 1


def test_links_lead_to_their_pages(app: Flask, team: Team) -> None:
    path = run(app, "setup-link").stdout.strip()
    with app.app_context():
        assert setup.find(path.removeprefix("/set-up/")).purpose == "setup"
    team.person("boss", admin=True)
    assert run(app, "setup-link").exit_code == 1
    join = run(app, "invite", "create", "--many", "--days", "3").stdout.strip()
    reset = run(app, "user", "reset-link", "boss").stdout.strip()
    with app.app_context():
        assert invites.find(join.removeprefix("/join/")).uses_left is None
        assert resets.find(reset.removeprefix("/reset/")).purpose == "reset"


def test_every_command_says_what_it_does(app: Flask) -> None:
    for group in ("user", "token", "invite"):
        commands = app.cli.commands[group].commands  # type: ignore[attr-defined]
        for name in commands:
            help_text = run(app, group, name, "--help")
            assert help_text.exit_code == 0
            assert len(help_text.stdout) > 140
    assert run(app, "user", "create").exit_code == 2


def test_a_database_without_tables_is_said_in_a_sentence(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path / "new"))
    result = run(app, "user", "list")
    apps.close(app)
    assert result.exit_code == 1
    assert "flask db upgrade" in result.stderr
    assert result.stderr.count("\n") == 1


def commands(group: click.Group, *names: str) -> Iterator[tuple[list[str], click.Command]]:
    """Yield each command of ours with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        elif command.callback and command.callback.__module__.startswith("chatapp."):
            yield [*names, name], command


def filled_in(command: click.Command) -> list[str]:
    """Return something for each argument, and what keeps it from asking."""
    options = [name for parameter in command.params for name in parameter.opts]
    given = {"--yes", "--password-stdin"} & set(options)
    return [*given, *(name for name in options if not name.startswith("-"))]


def test_with_the_database_away_each_command_says_so_in_one_line(tmp_path: Path) -> None:
    away = f"postgresql://chat@127.0.0.1:{free_port()}/chat"
    app = create_app(settings_for(tmp_path, DATABASE_URL=away))
    ours = [[*words, *filled_in(command)] for words, command in commands(app.cli)]
    assert len(ours) >= 15
    for words in (*ours, ["db", "upgrade"], ["db", "current"]):
        result = run(app, *words, stdin=f"{PASSWORD}\n")
        assert result.exit_code == 1, (words, result.exception)
        assert isinstance(result.exception, SystemExit), words
        assert result.stderr.startswith("Error: "), words
        assert result.stderr.count("\n") == 1, words


@pytest.mark.parametrize("words", [["user", "list"], ["routes"], ["--help"]])
def test_a_wrong_setting_is_one_line(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "CHAT_DATA_DIR": str(tmp_path), "PORT": "eighty"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("chatapp: PORT must be a whole number")
    assert done.stderr.count("\n") == 1
