"""The log waits for nobody: what its reader does not take yet is kept, in order, up to a bound."""

from __future__ import annotations

import atexit
import fcntl
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.socket import wait_read

from chatapp import log_writer, logs
from chatapp.log_writer import PIECE, LogWriter
from tests.support.wait import PATIENCE

ROOM = 4096


class Pipe:
    """What the log is written to, of one page, and its reader."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, ROOM)
        os.set_blocking(self.reader, False)

    def read_until(self, end: str) -> str:
        """Read until the end is there, while the greenlets write what that makes room for."""
        found = b""
        with gevent.Timeout(PATIENCE):
            while not found.endswith(end.encode()):
                wait_read(self.reader)
                found += os.read(self.reader, ROOM)
        return found.decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    for end in (pipe.reader, pipe.writer):
        os.close(end)


def lines(count: int) -> list[str]:
    return [f"{number:4} {'x' * 1000}\n" for number in range(count)]


def test_a_line_is_there_at_once(pipe: Pipe) -> None:
    LogWriter(pipe.writer).write("a line\n")
    assert os.read(pipe.reader, ROOM) == b"a line\n"


def test_what_a_stalled_reader_does_not_take_comes_later_whole_and_in_order(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writer)
    for line in lines(50):
        writer.write(line)
    assert pipe.read_until(lines(50)[-1]) == "".join(lines(50))
    writer.write("at once again\n")
    assert os.read(pipe.reader, ROOM) == b"at once again\n"


def test_a_line_longer_than_the_pipe_is_written_whole(pipe: Pipe) -> None:
    long = "x" * (3 * PIECE + 10) + "\n"
    writer = LogWriter(pipe.writer)
    writer.write(long)
    writer.write("after it\n")
    assert pipe.read_until("after it\n") == f"{long}after it\n"


def test_beyond_the_bound_whole_lines_are_dropped_and_counted(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writer, most=20_000)
    handler = logging.StreamHandler(writer)
    handler.setFormatter(logging.Formatter("%(event)s %(levelname)s %(fields)s"))
    logging.getLogger("chatapp.log_writer").addHandler(handler)
    try:
        for line in lines(50):
            writer.write(line)
        *written, told = pipe.read_until("}\n").splitlines(keepends=True)
    finally:
        logging.getLogger("chatapp.log_writer").removeHandler(handler)
    assert written == lines(len(written))
    assert 15 <= len(written) < 50
    assert told == f"log_lines_dropped WARNING {{'lines': {50 - len(written)}}}\n"


def test_what_was_written_takes_no_room(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writer, most=2_000)
    for line in lines(50):
        writer.write(line)
        assert os.read(pipe.reader, ROOM).decode() == line


def test_what_the_kernel_takes_in_part_is_written_whole(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a socket may: only a pipe takes a piece whole or not at all."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:700]))
    writer = LogWriter(pipe.writer)
    for line in lines(3):
        writer.write(line)
    assert pipe.read_until(lines(3)[-1]) == "".join(lines(3))


def test_without_a_reader_it_goes_on_and_keeps_nothing(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writer, most=20_000)
    os.close(pipe.reader)
    for line in lines(50):
        writer.write(line)
    pipe.reader, again = os.pipe()
    os.dup2(again, pipe.writer)
    os.close(again)
    writer.write("somebody reads again\n")
    assert os.read(pipe.reader, ROOM) == b"somebody reads again\n"


def test_what_waits_is_written_when_the_process_ends(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writer)
    for line in lines(5):
        writer.write(line)
    child = os.fork()
    if child == 0:
        found = b""
        os.set_blocking(pipe.reader, True)
        while b"   4 " not in found:
            found += os.read(pipe.reader, ROOM)
        os._exit(0 if found.decode().startswith("".join(lines(4))) else 1)
    writer.close(30)
    _, status = os.waitpid(child, 0)
    assert status == 0


def test_all_that_a_worker_says_goes_through_one_and_out_at_the_end(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = os.fdopen(pipe.writer, "w", closefd=False)
    theirs: Any = logging.StreamHandler(stderr)
    file: Any = logging.StreamHandler(io.StringIO())
    ours: dict[str, LogWriter] = {}
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logging.getLogger("gunicorn.error"), "handlers", [theirs, file])
    monkeypatch.setattr(logs, "configure", ours.update)
    monkeypatch.setattr(atexit, "register", at_exit.append)
    log_writer.install()
    assert theirs.stream is ours["file"]
    assert file.stream is not ours["file"]
    assert at_exit == [ours["file"].close]
    stderr.close()


def test_a_file_takes_everything_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    writer = LogWriter(descriptor)
    for line in lines(200):
        writer.write(line)
    os.close(descriptor)
    assert path.read_text() == "".join(lines(200))
