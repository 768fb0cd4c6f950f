"""Taking a protection away from a real server, to see that a test would notice.

The code reaches the server by a ``sitecustomize`` module in a folder of the test's own, on
PYTHONPATH: the application knows nothing of it and has no setting for it.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

_HOOK = """
import sys
from importlib.machinery import PathFinder


class Saboteur:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            exec(CODE, vars(module))

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Saboteur)
"""


def sabotage(folder: Path, module: str, code: str) -> dict[str, str]:
    """Return the environment in which a server runs ``code`` at the end of ``module``."""
    folder.mkdir(exist_ok=True)
    head = f"MODULE = {module!r}\nCODE = {textwrap.dedent(code)!r}\n"
    (folder / "sitecustomize.py").write_text(head + _HOOK)
    return {"PYTHONPATH": str(folder)}
