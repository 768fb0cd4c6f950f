"""gunicorn's settings. What its hooks do is in chatapp/server.py."""

# First of all, in the arbiter: what is imported before this keeps blocking sockets and locks.
import gevent
from gevent import monkey

monkey.patch_all()
# Who started which greenlet, for debuggers: 1.5 KB a stream, and some time at each connection.
gevent.config.track_greenlet_tree = False

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from chatapp import descriptors, guard, server, shared_metrics

settings = server.read_settings()

bind = server.address(settings)
backlog = 4096
# Bytes, gunicorn's most. A stream that names a hundred groups has 4,500 of them.
limit_request_line = 8190
workers = settings.web_concurrency
worker_class = "gevent"
# Streams, calls and idle connections all count; when it is full gunicorn stops accepting in
# silence, so the app's own limits (CHAT_STREAMS) lie well below it.
worker_connections = descriptors.raise_limit()
max_requests = 0  # recycling a worker would stop every new request while one stream is open
# Seconds that a connection may be silent (chatapp/keep_alive.py). No round number: a bot that calls
# every ten seconds, or every fifteen, shall not do so in the moment that we hang up.
keepalive = 13
graceful_timeout = 8
timeout = 30

accesslog = None  # a stream's line would come when it ends, hours later
logger_class = server.JsonLogger
control_socket_disable = True


def on_starting(arbiter: Any) -> None:
    guard.check_gunicorn(arbiter.cfg)
    # As many as there will be: GUNICORN_CMD_ARGS comes after this file.
    server.prepare(arbiter, replace(settings, web_concurrency=arbiter.cfg.workers))


def when_ready(arbiter: Any) -> None:
    server.check_reloads(arbiter)
    server.check_more_workers(arbiter)


def post_fork(arbiter: Any, worker: Any) -> None:
    server.forget_program()


def post_worker_init(worker: Any) -> None:
    # Anew, not the arbiter's copy: a reload (SIGHUP) must run the code as it is on disk now.
    from chatapp.server import worker_started

    worker_started(worker)


def child_exit(arbiter: Any, worker: Any) -> None:
    shared_metrics.forget_streams(worker.pid)


def on_exit(arbiter: Any) -> None:
    shared_metrics.remove()
