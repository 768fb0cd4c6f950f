"""What the Dockerfile puts into its image serves, and its health check tells whether it does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deployment import image_environment, instruction, instructions
from tests.support.raw_http import call
from tests.support.server import ROOT, Server, free_port
from tests.support.wait import until

pytestmark = [pytest.mark.delivery, pytest.mark.sqlite]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what the image has of this repository, and no more."""
    folder = tmp_path / "srv"
    folder.mkdir()
    for name, given in instructions():
        if name != "COPY" or given.startswith("--from"):
            continue
        *sources, target = given.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target)
            else:
                shutil.copy(ROOT / source, folder / target)
    return folder


def is_healthy(port: int) -> bool:
    """Run the image's health check."""
    _, _, words = instruction("HEALTHCHECK").partition("CMD ")
    python, *arguments = json.loads(words)
    assert python == "python"
    command = [sys.executable, *arguments]
    env = {"PORT": str(port)}
    return subprocess.run(command, env=env, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_the_image_holds_all_that_it_needs_to_serve(image: Path, tmp_path: Path) -> None:
    port = free_port()
    env = image_environment() | {"CHAT_DATA_DIR": str(tmp_path / "data"), "PORT": str(port)}
    env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "BIND": "127.0.0.1"}
    command = json.loads(instruction("CMD"))
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=image, env=env, stdout=output, stderr=output) as process,
    ):
        try:
            until(lambda: process.poll() is not None or is_healthy(port), "health", patience=30)
            assert process.poll() is None, log.read_text()
            page = call(port, "GET", "/sign-in")
            assert page.status == 200
            for path in re.findall(rb'(?:src|href)="(/static/[^"]+)"', page.body):
                assert call(port, "GET", path.decode()).status == 200, path
            flask = [sys.executable, "-m", "flask", "user", "list"]
            assert subprocess.run(flask, cwd=image, env=env, check=False).returncode == 0
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()


def test_the_health_check_knows_a_server_from_none(server: Server) -> None:
    assert is_healthy(server.port)
    assert not is_healthy(free_port())
