"""Processes of one chat that sign with different keys notice it."""

from __future__ import annotations

import logging

import pytest

from chatapp.api.one_key import OneKey


def processes(*secrets: str) -> list[OneKey]:
    """Return processes that hear each other."""
    found = [OneKey(secret) for secret in secrets]

    def to_the_others(sender: OneKey, word: str) -> None:
        for process in found:
            if process is not sender:
                process.heard(word)

    for process in found:
        process.send = lambda word, _, process=process: to_the_others(process, word)
    return found


def complaints(caplog: pytest.LogCaptureFixture) -> int:
    return sum(getattr(record, "event", "") == "other_secret_key" for record in caplog.records)


def test_each_process_complains_once_of_another_key(caplog: pytest.LogCaptureFixture) -> None:
    newcomer = processes("one", "one", "another")[-1]
    for _ in range(3):
        newcomer.tell()
    assert complaints(caplog) == 3


def test_nobody_complains_of_the_same_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for process in processes("one", "one", "one"):
        process.tell()
    assert complaints(caplog) == 0


def test_a_process_alone_tells_nobody() -> None:
    OneKey("one").tell()
