"""The usual Flask stream: a gevent queue for each reader. Served by gunicorn's gevent worker."""

from collections.abc import Iterator

from flask import Flask, Response, request
from gevent.queue import Queue

app = Flask(__name__)
readers: set[Queue[str]] = set()


def _frames(queue: "Queue[str]") -> Iterator[str]:
    """Yield what is put in the queue, until the reader leaves."""
    try:
        yield ": hi\n\n"
        while True:
            yield queue.get()
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
