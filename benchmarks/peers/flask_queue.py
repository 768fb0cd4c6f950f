"""The usual Flask stream: a gevent queue for each reader. Served by gunicorn's gevent worker.

It has a heartbeat, as ours and sse-starlette do: without one it would never learn that a
reader left.
"""

from collections.abc import Iterator

from flask import Flask, Response, request
from gevent.queue import Empty, Queue

app = Flask(__name__)
readers: set[Queue[str]] = set()


def _frames(queue: "Queue[str]") -> Iterator[str]:
    """Yield what is put in the queue, until the reader leaves."""
    try:
        yield ": hi\n\n"
        while True:
            try:
                yield queue.get(timeout=15)
            except Empty:
                yield ": ping\n\n"
    finally:
        readers.discard(queue)


@app.get("/stream")
def stream() -> Response:
    """Open a stream."""
    queue: Queue[str] = Queue()
    readers.add(queue)
    return Response(_frames(queue), mimetype="text/event-stream")


@app.post("/publish")
def publish() -> tuple[str, int]:
    """Give the body to every reader."""
    frame = f"data: {request.get_data(as_text=True)}\n\n"
    for queue in list(readers):
        queue.put(frame)
    return "", 201
