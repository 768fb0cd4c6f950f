"""What ``/metrics`` says of a real server: each number moves when its thing happens."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.browsers import browser, form
from tests.faults.conftest import Arena
from tests.faults.standstill import a_client_stops_reading
from tests.support import raw_http as http
from tests.support.listener import Listener
from tests.support.sender import Sender
from tests.support.team import Person
from tests.support.wait import until

pytestmark = pytest.mark.delivery

LAG, LATE = "chatapp_delivery_lag_seconds", "chatapp_loop_lag_seconds"
REPLAYS, POSTS = "chatapp_replay_events", "chatapp_post_seconds"


def deliveries(arena: Arena) -> tuple[float, float]:
    """Return how many events were written at once, and how many waited."""
    name = "chatapp_deliveries_total"
    return arena.metric(name, path="direct"), arena.metric(name, path="queued")


def observed(arena: Arena, name: str) -> tuple[float, float]:
    """Return how often something was measured, and the sum."""
    return arena.metric(f"{name}_count"), arena.metric(f"{name}_sum")


def cursor_of(arena: Arena, person: Person) -> str:
    return http.call(arena.port, "GET", "/api/conversations", person.token).headers["chat-cursor"]


def come_back(arena: Arena, person: Person, cursor: str) -> Listener:
    """Listen from a cursor."""
    listener = Listener(arena.port, person)
    listener.cursor = cursor
    arena.listeners.append(listener.start())
    until(lambda: listener.is_live, "a live stream")
    return listener


def send_and_wait(sender: Sender, readers: list[Listener]) -> None:
    """Send, and wait until all have it: neighbours would leave in one write, which counts once."""
    last = sender.send()
    until(lambda: all(last in reader.shown for reader in readers), "the message")


def test_open_streams(own_arena: Arena) -> None:
    ann = own_arena.person()
    before = own_arena.footprint()
    for number in (1, 2, 3):
        own_arena.listen(ann)
        assert own_arena.metric("chatapp_streams") == number
    own_arena.until_as_before(before)
    assert own_arena.metric("chatapp_streams") == 0


def two_who_listen(arena: Arena) -> tuple[Sender, list[Listener]]:
    """A sender and its readers; the first message brings the follower to where streams began."""
    ann, bob = arena.person(), arena.person()
    dm = arena.team.dm(ann, bob)
    readers = [arena.listen(ann, dm), arena.listen(bob, dm)]
    sender = arena.sender(ann, dm)
    send_and_wait(sender, readers)
    return sender, readers


def test_deliveries_that_were_written_at_once(arena: Arena) -> None:
    sender, readers = two_who_listen(arena)
    direct, queued = deliveries(arena)
    for _ in range(3):
        send_and_wait(sender, readers)
    assert deliveries(arena) == (direct + 6, queued)


def test_deliveries_that_wait_for_a_client_and_its_overflow(arena: Arena) -> None:
    overflows = arena.metric("chatapp_overflows_total")
    stopped, other = a_client_stops_reading(arena)
    direct, queued = deliveries(arena)
    send_and_wait(arena.senders[0], [other])
    assert deliveries(arena) == (direct + 1, queued + 1)
    assert arena.metric("chatapp_overflows_total") == overflows
    pieces, missed = observed(arena, REPLAYS)
    stopped.resume()
    assert arena.verdict().is_clean
    assert stopped.connections == 1, "the premise: it was not dropped meanwhile"
    handed = arena.metric("chatapp_overflows_total") - overflows
    assert handed > 0
    assert observed(arena, REPLAYS)[0] == pieces + handed
    assert observed(arena, REPLAYS)[1] > missed


def test_replays_and_their_length(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    cursor, sender = cursor_of(arena, ann), arena.sender(ann, dm)
    for _ in range(3):
        sender.send()
    count, events = observed(arena, REPLAYS)
    listener = come_back(arena, ann, cursor)
    assert observed(arena, REPLAYS) == (count + 1, events + 3)
    come_back(arena, ann, listener.cursor)
    assert observed(arena, REPLAYS) == (count + 2, events + 3)


def test_resets_by_their_reason(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    epoch, _, position = cursor_of(arena, ann).partition("-")
    long = arena.sender(ann, dm, length=7000)
    for _ in range(80):
        long.send()
    stale = {
        "malformed": "yesterday",
        "epoch": f"other-{position}",
        "future": f"{epoch}-{int(position) + 10**6}",
        "length": f"{epoch}-{position}",
    }
    for reason, cursor in stale.items():
        counted = [arena.metric("chatapp_resets_total", reason=one) for one in stale]
        listener = come_back(arena, ann, cursor)
        assert listener.told == {f"reset:{reason}": 1}
        after = [arena.metric("chatapp_resets_total", reason=one) for one in stale]
        expected = [n + (one == reason) for one, n in zip(stale, counted, strict=True)]
        assert after == expected


def test_the_lag_from_a_commit_to_the_last_write(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    reader, sender = arena.listen(ann, dm), arena.sender(ann, dm)
    count, seconds = observed(arena, LAG)
    send_and_wait(sender, [reader])
    assert observed(arena, LAG)[0] == count + 1
    assert observed(arena, LAG)[1] > seconds
    # When another process committed, this one cannot know.
    beside = arena.team.post(ann, dm, "from a command").id
    until(lambda: beside in reader.shown, "what was posted beside the server")
    assert observed(arena, LAG)[0] == count + 1


def test_what_it_takes_to_post(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    sender = arena.sender(ann, dm)
    count, seconds = observed(arena, POSTS)
    for _ in range(3):
        sender.send()
    http.call(arena.port, "GET", f"/api/messages?directMessageId={dm}", ann.token)
    assert observed(arena, POSTS)[0] == count + 3
    assert observed(arena, POSTS)[1] > seconds


def late(arena: Arena) -> float:
    """Return how often the loop was late by more than a tenth of a second."""
    in_time = arena.metric(f"{LATE}_bucket", le="0.1")
    return arena.metric(f"{LATE}_count") - in_time


def test_a_loop_that_stood_still(arena: Arena) -> None:
    arena.listen(arena.person())
    count = arena.metric(f"{LATE}_count")
    until(lambda: arena.metric(f"{LATE}_count") > count, "the premise: it is looked at")
    before, lines = late(arena), len(arena.server.log_lines(event="loop_stalled"))

    def stood_still() -> bool:
        worker = arena.worker
        os.kill(worker, signal.SIGSTOP)
        try:
            with http.connect(arena.port) as sock:
                sock.settimeout(0.25)
                sock.sendall(http.request_bytes("GET", "/healthz", None))
                with pytest.raises(TimeoutError):
                    sock.recv(1)
        finally:
            os.kill(worker, signal.SIGCONT)
        return late(arena) > before

    until(stood_still, "a loop that was late")
    until(lambda: len(arena.server.log_lines(event="loop_stalled")) > lines, "a line that says so")
    line = arena.server.log_lines(event="loop_stalled")[-1]
    assert line["level"] == "warning"
    assert line["seconds"] > 0.1


def test_deliveries_count_events_and_no_writes(arena: Arena) -> None:
    sender, readers = two_who_listen(arena)
    direct, _ = deliveries(arena)
    sent = [sender.send() for _ in range(9)]  # without waiting: neighbours leave in one write
    until(lambda: all(sent[-1] in one.shown for one in readers), "all of them")
    assert deliveries(arena)[0] == direct + 2 * len(sent)


def test_what_a_replay_had_covered_counts_as_no_delivery(arena: Arena) -> None:
    ann, bob = arena.person(), arena.person()
    _, queued = deliveries(arena)
    dm = arena.team.dm(ann, bob)  # beside the server, which looks at the log within seconds
    listener = arena.listen(ann, dm)
    arena.team.post(bob, dm, "the fence")
    until(lambda: listener.shown, "the fence")
    assert deliveries(arena)[1] == queued


def test_a_message_by_the_form_counts_as_a_post(arena: Arena) -> None:
    ann = arena.person()
    dm = arena.team.dm(ann, arena.person())
    count, _ = observed(arena, POSTS)
    form(arena, f"/conversations/{dm}", browser(arena, ann), "content=by+the+form&client_id=x")
    assert observed(arena, POSTS)[0] == count + 1
