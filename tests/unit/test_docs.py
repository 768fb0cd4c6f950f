"""What the documentation must name: whoever adds a setting, a call or an event documents it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

from chatapp.api import events
from chatapp.config import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Commands of Flask and its extensions, which document themselves.
FOREIGN = {"db", "routes", "run", "shell"}
#: What a stream carries beside the log's events.
CONTROLS_AND_SIGNALS = {"ready", "ping", "reset", "reconnect", "typing", "presence"}
#: Reasons of a reset or a reconnect, as the code spells them.
REASONS = re.compile(r'(?:start = |return |reset\(|farewell\()"([a-z]+)"')
LINK = re.compile(r'(?:\]\(|src="|srcset="|href=")([^)"\s]+)')
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


class Asked(dict[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, **env: str) -> None:
        super().__init__(env)
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


def test_every_setting_is_in_the_table_of_settings(tmp_path: Path) -> None:
    env = Asked(CHAT_DATA_DIR=str(tmp_path))
    Settings.from_env(env)
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page("SETUP.md"), re.MULTILINE))
    assert len(env.names) >= 12
    assert env.names == documented


def test_defaults_are_documented_as_they_are(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(?:CHAT_)?([A-Z_]+)` \| ([0-9.]+) \|", page("SETUP.md"), re.MULTILINE)
    settings = Settings.from_env({"CHAT_DATA_DIR": str(tmp_path)})
    assert len(rows) >= 8
    assert {name: str(getattr(settings, name.lower())) for name, _ in rows} == dict(rows)


def calls(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") or rule.rule in ("/healthz", "/readyz"):
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield from (f"{method} {nameless(rule.rule)}" for method in methods)


def nameless(path: str) -> str:
    """Return the path with each variable as ``<>``: docs may call it otherwise than the code."""
    return re.sub(r"<[^>]*>", "<>", path)


def test_every_call_of_the_api_has_its_section_and_every_section_its_call(app: Flask) -> None:
    sections = re.findall(r"^### `([A-Z]+ /\S+)`$", page("API.md"), re.MULTILINE)
    assert {nameless(section) for section in sections} == set(calls(app))


def test_every_event_is_documented_and_no_other() -> None:
    streamed = events._PRESENTERS.keys() | CONTROLS_AND_SIGNALS
    rows = re.findall(r"^\| (?:\([^)]*\) )?`([a-z:]+)` \| .+ \|$", page("EVENTS.md"), re.MULTILINE)
    reasons = {
        reason
        for name in (
            "api/streams.py",
            "api/events.py",
            "realtime/hub.py",
            "realtime/heartbeat.py",
        )
        for reason in REASONS.findall((ROOT / "chatapp" / name).read_text("utf-8"))
    }
    assert len(reasons) >= 8
    assert set(rows) == streamed | reasons


def test_the_browser_listens_for_every_event() -> None:
    script = (ROOT / "static" / "js" / "realtime" / "stream.js").read_text("utf-8")
    heard = set(re.findall(r"'([a-z:]+)'", script))
    named = events._PRESENTERS.keys() - {"message:created"}
    assert (named | CONTROLS_AND_SIGNALS) - heard == set()


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if name not in FOREIGN:
                yield from commands(command, f"{prefix}{name} ")
        elif name not in FOREIGN:
            yield f"{prefix}{name}", command


def test_every_command_is_listed_with_what_its_help_begins_with(app: Flask) -> None:
    rows = re.findall(
        r"^\| `flask ([a-z -]+[a-z])[^`]*` \| (.+) \|$", page("SETUP.md"), re.MULTILINE
    )
    ours = {name: command.get_short_help_str(200) for name, command in commands(app.cli)}
    assert len(ours) >= 10
    assert dict(rows) == ours


def test_every_metric_is_documented(app: Flask) -> None:
    ours = {metric.name for metric in app.extensions["chatapp.metrics"].registry.collect()}
    documented = re.findall(
        r"^\| `(chatapp_[a-z_]+?)(?:_total)?(?:{.*})?` \|", page("OPERATING.md"), re.MULTILINE
    )
    assert set(documented) == ours


@pytest.mark.parametrize("source", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(source: Path) -> None:
    for link in LINK.findall(CODE.sub("", source.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = source.parent / name if name else source
        assert target.exists(), link
        if fragment:
            assert fragment in anchors(target), link


def anchors(target: Path) -> set[str]:
    """Return the anchors that a page's headings get, as GitHub makes them."""
    headings = HEADING.findall(target.read_text("utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def test_every_page_is_reachable_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {path.name for path in PAGES[1:] if f"docs/{path.name}" not in readme} == set()


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > 200_000} == {}
