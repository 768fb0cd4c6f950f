"""What is shipped to run it on a server: the files of deploy/ and of docs/SETUP.md fit the program.

tests/delivery/test_image.py runs what the Dockerfile says, tests/scale/test_nginx.py the site.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatapp.config import Settings
from chatapp.realtime import heartbeat
from tests.support.deployment import (
    DEPLOY,
    compose,
    image_environment,
    instruction,
    instructions,
    settings_known,
)
from tests.support.server import ROOT

SERVICES: dict[str, Any] = compose()["services"]
#: What the programs around ours read.
OTHERS = {"PATH", "PYTHONUNBUFFERED", "FLASK_APP"}
#: Seconds that gunicorn gives its streams to leave.
GRACE = int(
    re.findall(r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[
        0
    ]
)


def filled(value: object) -> str:
    """Return a value of compose.yaml with `deploy/.env` filled in."""
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda found: found[1].lower(), str(value))


def environment(service: str) -> dict[str, str]:
    return {name: filled(value) for name, value in SERVICES[service]["environment"].items()}


def unit(text: str) -> ConfigParser:
    """Read a unit of systemd; of what is said twice, the last counts."""
    parser = ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser


def units() -> dict[str, str]:
    page = (ROOT / "docs" / "SETUP.md").read_text("utf-8")
    return {
        "deploy": (DEPLOY / "chatapp@.service").read_text("utf-8"),
        "SETUP": page.split("```ini\n", 1)[1].split("```", 1)[0],
    }


def test_what_compose_and_the_image_set_is_a_setting() -> None:
    known = settings_known()
    assert len(known) >= 10
    assert environment("one").keys() - known == set()
    assert image_environment().keys() - known == OTHERS


def test_the_settings_of_compose_are_taken_and_lead_to_its_services() -> None:
    settings = Settings.from_env(image_environment() | environment("one"))
    url = urlsplit(settings.database_url)
    theirs = environment("database")
    assert url.hostname in SERVICES
    assert (url.username, url.path) == (theirs["POSTGRES_USER"], f"/{theirs['POSTGRES_DB']}")
    assert url.password == theirs["POSTGRES_PASSWORD"]
    assert urlsplit(settings.redis_url or "").hostname in SERVICES
    # nginx alone stands in front of it.
    assert settings.trusted_proxies == 1


def test_what_compose_asks_for_is_what_its_head_lets_one_make() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    head, _, body = text.partition("x-app:")
    asked = set(re.findall(r"\$\{(\w+)", body))
    assert asked == set(re.findall(r"([A-Z_]+)=%s", head))


def test_services_wait_for_services_that_can_say_that_they_are_well() -> None:
    for service in SERVICES.values():
        for other in (waits := service.get("depends_on", {})):
            if isinstance(waits, dict) and waits[other]["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            assert other in SERVICES


def test_the_app_is_shut_in_and_what_it_writes_to_is_its_own() -> None:
    app = SERVICES["one"]
    assert app["read_only"] is True
    assert app["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in app["security_opt"]
    user = re.search(r"useradd --system --uid (\d+) .* (\w+)  ?", instruction("RUN") + " ")
    assert user
    data = image_environment()["CHAT_DATA_DIR"]
    assert any(folder.startswith(f"{data}:uid={user[1]},") for folder in app["tmpfs"])
    assert "ports" not in app


def test_the_only_port_is_open_to_this_machine_alone() -> None:
    # nginx.conf believes whoever comes there about who asks, and how.
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"nginx": ["127.0.0.1:8080:80"]}
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert "listen 80 " in text
    apps = {name for name, service in SERVICES.items() if service["image"] == "chatapp"}
    port = image_environment()["PORT"]
    assert apps == set(re.findall(rf"server (\w+):{port} resolve ", text)) == {"one", "two"}
    assert SERVICES["nginx"]["volumes"] == ["./nginx.conf:/etc/nginx/nginx.conf:ro"]


@pytest.mark.parametrize(
    "page", ["deploy/nginx-site.conf", "deploy/nginx.conf", "docs/SETUP.md"], ids=lambda page: page
)
def test_nginx_says_all_that_a_trusted_proxy_is_believed(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for name in ("For", "Proto", "Host", "Prefix"):
        assert (
            len(re.findall(rf"^ +proxy_set_header X-Forwarded-{name} .+;", text, re.MULTILINE)) == 1
        )
    patience = re.findall(r"proxy_read_timeout (\d+)s;", text)
    assert [int(each) > 2 * heartbeat.INTERVAL for each in patience] == [True]


def test_whatever_stops_it_waits_for_its_goodbyes() -> None:
    assert int(SERVICES["one"]["stop_grace_period"].removesuffix("s")) > GRACE
    for text in units().values():
        assert int(unit(text)["Service"]["TimeoutStopSec"]) > GRACE


def test_the_image_runs_as_a_user_that_is_not_root() -> None:
    names = [name for name, _ in instructions()]
    assert instruction("USER") not in ("root", "0")
    assert f" {instruction('USER')} " in f"{instruction('RUN')} "
    # What comes behind it is not run as root either.
    assert "RUN" not in names[names.index("USER") :]
    assert json.loads(instruction("CMD")) == ["gunicorn", "-c", "gunicorn.conf.py", "app:app"]


@pytest.mark.parametrize("text", units().values(), ids=units())
def test_the_unit_sets_settings_and_starts_what_is_there(text: str) -> None:
    service = unit(text)["Service"]
    pairs = dict(pair.split("=", 1) for pair in service["Environment"].split())
    assert pairs.keys() - settings_known() == set()
    script = ROOT / Path(service["ExecStart"]).relative_to(service["WorkingDirectory"])
    assert script.stat().st_mode & 0o111
    assert service["User"] == "chatapp"
    assert service["KillMode"] == "mixed"


def test_the_shipped_unit_may_write_to_its_data_folder_and_names_settings() -> None:
    text = units()["deploy"]
    service = unit(text)["Service"]
    assert f"CHAT_DATA_DIR=/var/lib/{service['StateDirectory']}" in service["Environment"].split()
    assert service["ReadWritePaths"] == f"{service['WorkingDirectory']}/.venv"
    named = re.findall(r"[A-Z]+_[A-Z]+", text.partition("/etc/chatapp.env (mode")[2].split("\n")[0])
    assert named
    assert set(named) - settings_known() == set()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", units())
def test_systemd_has_nothing_to_say_about_the_unit(name: str, tmp_path: Path) -> None:
    here = tmp_path / "chatapp@8000.service"
    here.write_text(units()[name].replace("/opt/chatapp", str(ROOT)))
    said = subprocess.run(
        ["systemd-analyze", "verify", here], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
