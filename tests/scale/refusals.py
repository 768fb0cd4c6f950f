"""Servers that must not start, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server import Server


def refusal(folder: Path, **env: str) -> str:
    """Start a server that must leave; return what it says."""
    server = Server(folder, None, **env)
    with pytest.raises(RuntimeError), server:
        pass
    assert server.wait() != 0
    return server.output()


def one_line(said: str) -> str:
    assert said.startswith("chatapp: "), said
    assert said.count("\n") == 1, said
    return said
