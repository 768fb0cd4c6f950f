# mypy: disable-error-code="import-not-found"
"""sse-starlette with an asyncio queue a reader, served by uvicorn on uvloop and httptools."""

import asyncio
from collections.abc import AsyncIterator

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

readers: set[asyncio.Queue[str]] = set()


async def _events(queue: asyncio.Queue[str]) -> AsyncIterator[dict[str, str]]:
    """Yield what is put in the queue, until the reader leaves."""
    try:
        yield {"comment": "hi"}
        while True:
            yield {"data": await queue.get()}
    finally:
        readers.discard(queue)


async def stream(_request: Request) -> EventSourceResponse:
    """Open a stream."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    readers.add(queue)
    return EventSourceResponse(_events(queue))


async def publish(request: Request) -> Response:
    """Give the body to every reader."""
    data = (await request.body()).decode()
    for queue in list(readers):
        queue.put_nowait(data)
    return Response(status_code=201)


app = Starlette(
    routes=[Route("/stream", stream), Route("/publish", publish, methods=["POST"])],
)
