"""The rules of the house: which way imports point, how long things grow, what docs must name."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp import server

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "chatapp"

#: What each layer may import of chatapp; a layer may always import itself.
LAYERS: dict[str, set[str]] = {
    "models": set(),
    "realtime": set(),
    "text": set(),
    "domain": {"models", "text", "extensions"},
}
#: No layer below imports one of these.
EDGES = {"api", "web", "cli", "demo", "identity", "security", "server", "start"}
FRAMEWORKS = {"flask", "flask_sqlalchemy", "flask_wtf", "flask_limiter", "werkzeug", "sqlalchemy"}

#: Longer than its kind may be, with the reason.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

LIMITS = {"chatapp/**/*.py": 300, "tests/**/*.py": 300, "static/js/**/*.js": 200}
LIMITS |= {"static/css/**/*.css": 250, "templates/**/*.html": 100}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_of_chatapp(path: Path) -> set[str]:
    names = (name.split(".") for name in imported_names(path))
    return {parts[1] for parts in names if parts[0] == "chatapp" and len(parts) > 1}


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_one_way(layer: str) -> None:
    files = sorted((PACKAGE / layer).rglob("*.py"))
    assert files
    wrong = {
        name_of(path): sorted(foreign)
        for path in files
        if (foreign := parts_of_chatapp(path) - LAYERS[layer] - {layer})
    }
    assert wrong == {}


def test_the_domain_and_below_know_nothing_of_requests() -> None:
    for layer in ("domain", "models", "realtime"):
        for path in (PACKAGE / layer).rglob("*.py"):
            assert not parts_of_chatapp(path) & EDGES, path
            requests = {"flask.request", "flask.session", "flask.g"} & set(imported_names(path))
            assert not requests, path


def test_realtime_knows_no_framework() -> None:
    for path in (PACKAGE / "realtime").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported_names(path)}
        assert not roots & FRAMEWORKS, path


def test_no_test_leans_on_another() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    leaning = {
        name_of(path): name
        for path in files
        for name in imported_names(path)
        if re.match(r"tests(\.\w+)*\.test_", name)
    }
    assert leaning == {}


def test_the_arbiter_stays_free_of_the_application() -> None:
    script = (
        "import sys, chatapp.server; print('flask' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(("pattern", "limit"), LIMITS.items())
def test_no_file_outgrows_its_kind(pattern: str, limit: int) -> None:
    lengths = {name_of(p): len(p.read_text("utf-8").splitlines()) for p in ROOT.glob(pattern)}
    assert lengths
    long = {name for name, length in lengths.items() if length > limit}
    assert long - LONG_FILES.keys() == set()


def test_the_median_file_is_short() -> None:
    assert statistics.median(len(p.read_text("utf-8").splitlines()) for p in sources()) <= 90


def functions() -> dict[str, int]:
    lengths = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lengths[f"{name_of(path)}:{node.name}"] = body_length(node)
    return lengths


def body_length(node: ast.FunctionDef) -> int:
    """Lines of code: a docstring explains, it does not lengthen."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    assert node.end_lineno is not None
    return node.end_lineno - first.lineno + 1


def test_functions_stay_short() -> None:
    lengths = functions()
    over = {name for name, length in lengths.items() if length > 50}
    assert over - LONG_FUNCTIONS.keys() == set()
    ordered = sorted(lengths.values())
    assert statistics.median(ordered) <= 8
    assert ordered[int(len(ordered) * 0.9)] <= 20


def test_exceptions_are_still_needed() -> None:
    assert {name for name in LONG_FILES if not (ROOT / name).exists()} == set()
    assert LONG_FUNCTIONS.keys() - functions().keys() == set()


def settings_read() -> set[str]:
    text = (PACKAGE / "config.py").read_text("utf-8")
    return set(re.findall(r'"([A-Z][A-Z_]{3,})"', text)) | {
        name
        for path in sources()
        for name in re.findall(r'os\.environ\.get\("([A-Z_]+)"', path.read_text("utf-8"))
    }


def test_every_setting_is_documented() -> None:
    page = ROOT / "docs" / "SETUP.md"
    if not page.exists():
        pytest.fail("docs/SETUP.md lists the settings")
    text = page.read_text("utf-8")
    assert len(settings_read()) >= 10
    assert {name for name in settings_read() if f"`{name}`" not in text} == set()


def test_every_library_imported_is_required() -> None:
    required = {
        re.split(r"[=\[]", line)[0].lower().replace("-", "_")
        for line in (ROOT / "requirements.txt").read_text("ascii").splitlines()
        if not line.startswith("#")
    }
    aliases = {"argon2": "argon2_cffi", "linkify_it": "linkify_it_py"}
    aliases |= {"markdown_it": "markdown_it_py"}
    roots = {name.split(".")[0] for path in sources() for name in imported_names(path)}
    roots |= {name.split(".")[0] for name in server._WARM}
    foreign = roots - sys.stdlib_module_names - {"chatapp"}
    assert {name for name in foreign if aliases.get(name, name).lower() not in required} == set()


def test_no_machine_is_named() -> None:
    machine = re.compile(r"/(root|home|tmp/venv|work)/|pypi\.org|registry\.npmjs|\.debian\.org")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    texts = [
        name for name in tracked if (ROOT / name).is_file() and name != name_of(Path(__file__))
    ]
    named = {
        name
        for name in texts
        if machine.search((ROOT / name).read_bytes().decode("utf-8", "replace"))
    }
    assert named == set()
