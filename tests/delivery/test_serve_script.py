"""`scripts/serve` as a person at a terminal meets it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.server import ROOT, free_port

pytestmark = pytest.mark.delivery

PATIENCE = 60


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose path has a space; its libraries are those of this clone, once installed."""
    subprocess.run([ROOT / "scripts" / "serve", "--help"], check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("a clone") / "chat app"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in tracked.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if (ROOT / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def environment(data_dir: Path | str, port: int, **env: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {**kept, **pip, "CHAT_DATA_DIR": str(data_dir), "PORT": str(port), **env}


def refusal(clone: Path, env: dict[str, str], *options: str) -> tuple[int, str]:
    """Run a start that must not come to serve; return its exit code and all that it printed."""
    done = subprocess.run(
        [clone / "scripts" / "serve", *options],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def serving(
    clone: Path, env: dict[str, str], *options: str, cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the server; hand out its process and what it said up to the line that it listens."""
    errors = clone.parent / "errors.log"
    with errors.open("w") as log:
        process = subprocess.Popen(
            [clone / "scripts" / "serve", *options],
            env=env,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "listens on" in line:
                break
        assert said, errors.read_text()
        yield process, said
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE)
        process.stdout.close()


def test_first_start_prints_the_set_up_link_and_ctrl_c_ends_it(clone: Path, tmp_path: Path) -> None:
    port = free_port()
    with serving(clone, environment(tmp_path, port)) as (process, said):
        link = next(word for line in said for word in line.split() if "/set-up/" in word)
        assert link.startswith(f"http://127.0.0.1:{port}/set-up/")
        assert httpx.get(link).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to every process
        assert process.wait(PATIENCE) == 0
    assert "Traceback" not in (clone.parent / "errors.log").read_text()


def test_a_relative_data_folder_is_the_callers(clone: Path, tmp_path: Path) -> None:
    with serving(clone, environment("here", free_port()), cwd=tmp_path):
        assert (tmp_path / "here" / "chat.db").exists()


def test_a_second_server_on_the_same_data_says_who_is_there(clone: Path, tmp_path: Path) -> None:
    with serving(clone, environment(tmp_path, free_port())) as (process, _):
        code, said = refusal(clone, environment(tmp_path, free_port()))
        assert code == 1
        assert said.count("\n") == 1
        assert f"process {process.pid}" in said


def test_a_reload_keeps_the_lock_and_a_killed_worker_is_replaced(
    clone: Path, tmp_path: Path
) -> None:
    port = free_port()
    with serving(clone, environment(tmp_path, port)) as (process, _):
        process.send_signal(signal.SIGHUP)
        code, said = refusal(clone, environment(tmp_path, free_port()))
        assert (code, f"process {process.pid}" in said) == (1, True)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).status_code == 200


def test_the_demo_prints_two_sign_ins(clone: Path, tmp_path: Path) -> None:
    port = free_port()
    with serving(clone, environment(tmp_path, port), "--demo") as (_, said):
        assert not any("/set-up/" in line for line in said)
        assert len(said) >= 3
        assert httpx.get(f"http://127.0.0.1:{port}/sign-in").status_code == 200


def test_demo_0_is_no_demo(clone: Path, tmp_path: Path) -> None:
    env = environment(tmp_path, free_port(), CHAT_DEMO="0")
    del env["CHAT_DATA_DIR"]
    with serving(clone, env) as (_, said):
        assert any("/set-up/" in line for line in said), said
        assert (clone / "data" / "chat.db").exists()
        assert not (clone / "data-demo").exists()


def test_a_taken_port_is_one_line(clone: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refusal(clone, environment(tmp_path, port))
    assert (code, said) == (1, f"chatapp: port {port} is taken; choose another one with PORT\n")


def test_a_data_folder_that_cannot_be_used_is_one_line(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = refusal(clone, environment(tmp_path / "file" / "data", free_port()))
    assert code == 1
    assert said.startswith(f"chatapp: The data folder {tmp_path / 'file' / 'data'} cannot be used")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("env", "options", "code", "reason"),
    [
        ({}, ["--nonsense"], 2, "unknown option --nonsense"),
        ({"CHAT_PYTHON": "/nonexistent"}, [], 1, "CHAT_PYTHON (/nonexistent) is not a Python 3.11"),
        ({"WEB_CONCURRENCY": "2"}, [], 1, "SQLite serves one worker"),
        ({"WEB_CONCURRENCY": "two"}, [], 1, "WEB_CONCURRENCY must be a whole number"),
        ({"WEB_CONCURRENCY": "0"}, [], 1, "WEB_CONCURRENCY must be a whole number"),
        ({"PORT": "eighty"}, [], 1, "PORT must be a whole number"),
        ({"PORT": "0"}, [], 1, "PORT must be a whole number"),
        ({"DATABASE_URL": "sqlite://"}, [], 1, "DATABASE_URL names no file"),
        ({"BIND": "192.0.2.1"}, [], 1, "cannot listen on 192.0.2.1"),
    ],
)
def test_what_cannot_start_says_so_in_one_line(
    clone: Path, tmp_path: Path, env: dict[str, str], options: list[str], code: int, reason: str
) -> None:
    found, said = refusal(clone, {**environment(tmp_path, free_port()), **env}, *options)
    assert (found, said.count("\n")) == (code, 1), said
    assert said.startswith(f"chatapp: {reason}")
