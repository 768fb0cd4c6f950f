"""One server to a SQLite file: a second one would not know what the first one's people do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Arena
from tests.support import raw_http as http
from tests.support.sabotage import sabotage
from tests.support.sender import Sender
from tests.support.server import Server
from tests.support.wait import until

pytestmark = pytest.mark.delivery


@contextmanager
def a_second_server(arena: Arena, **env: str) -> Iterator[Server]:
    """Start another server on the file that the first one serves."""
    with Server(arena.server.data_dir, None, **env) as second:
        yield second


def typing_is_told(arena: Arena, port: int) -> bool:
    """Let somebody type and then send by ``port``; return whether a reader heard of the typing."""
    ann, bob = arena.person(), arena.person()
    dm = arena.team.dm(ann, bob)
    reader = arena.listen(bob, dm)
    typed = http.call(port, "POST", f"/api/conversations/{dm}/typing", ann.token)
    assert typed.status == 204
    Sender(port, ann, dm).send()
    until(lambda: reader.shown, "the message, which comes behind the typing")
    return reader.typing == [ann.id]


def test_a_second_server_on_the_file_says_who_is_there_and_leaves(arena: Arena) -> None:
    says = rf"another chatapp \(process {arena.server.pid}\) already serves"
    with pytest.raises(RuntimeError, match=says), a_second_server(arena):
        pass
    assert typing_is_told(arena, arena.port)


@pytest.mark.long
def test_the_lock_on_the_file_matters(arena: Arena, tmp_path: Path) -> None:
    open_door = sabotage(tmp_path / "a", "chatapp.guard", "hold_lock = lambda settings: None")
    with a_second_server(arena, **open_door) as second:
        assert second.answers()
        assert not typing_is_told(arena, second.port)
