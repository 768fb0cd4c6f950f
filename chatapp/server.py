"""What gunicorn's arbiter does at start, and what each worker does when it starts and stops.

The arbiter imports this module and what it imports at its head, and nothing else of chatapp: a
reload (SIGHUP) forks new workers from it, and they must run the code as it is on disk by then.
"""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import gevent
from gevent import monkey
from gunicorn.config import Config
from gunicorn.glogging import Logger

from chatapp import bad_http, guard, log_writer, logs, shared_metrics
from chatapp.config import ConfigError, Settings
from chatapp.keep_alive import KeepAlive
from chatapp.listener import Listener

if TYPE_CHECKING:
    from chatapp.sole_server import SoleServer

# Imported before the fork, so that a new worker costs 0.3 s of CPU, not 1.1 s: one
# that was killed is soon replaced. Nothing of chatapp may be here, and a new version of one of
# these needs a restart, not a reload.
_WARM = (
    *("flask", "flask_migrate", "flask_sqlalchemy", "flask_wtf", "argon2"),
    *("markdown_it", "nh3", "pygments", "orjson", "sqlalchemy.dialects.sqlite"),
    *("flask_compress", "limits", "prometheus_client", "redis", "psycopg"),
)

#: What a write says of a client that has vanished or will not read (chatapp.realtime.wire).
_VANISHED = (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH)

log = logging.getLogger(__name__)


class Worker(Protocol):
    """As much of gunicorn's worker as we touch."""

    age: int
    alive: bool
    cfg: Config
    sockets: list[Any]
    wsgi: Any
    handle: Callable[[Any, Any, Any], None]
    timeout_ctx: Callable[[], Any]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, finish what runs, leave."""


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's logger, writing each of its lines as one of our lines of JSON."""

    def setup(self, cfg: Config) -> None:
        """Set up gunicorn's handlers, then give them our formatter. Runs again on a reload."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.JsonFormatter())

    def info(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log, but for what gunicorn says before our checks: a refusal shall be one line."""
        if not msg.startswith("Starting gunicorn"):
            super().info(msg, *args, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: Any) -> None:
        """Log an error, but for clients that vanish: gunicorn knows only those that hang up."""
        error = sys.exception()
        if not (isinstance(error, OSError) and error.errno in _VANISHED):
            super().exception(msg, *args, **kwargs)


def read_settings() -> Settings:
    """Return the settings, or leave naming the one that is wrong."""
    try:
        return Settings.from_env()
    except ConfigError as error:
        guard.refuse(str(error))


def address(settings: Settings) -> str:
    """Return the address to listen on, as gunicorn reads it."""
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return f"{host}:{settings.port}"


def url(settings: Settings) -> str:
    """Return where a browser on this machine finds the server."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    host = everywhere.get(settings.bind)
    return f"http://{host}:{settings.port}" if host else f"http://{address(settings)}"


def prepare(arbiter: Any, settings: Settings) -> None:
    """Make ready to serve before the arbiter listens, or leave with one line that says why not."""
    try:
        guard.check_concurrency(settings)
        guard.hold_lock(settings)
        keep_alone(arbiter, guard.hold_database(settings))
        guard.check_port(settings)
        guard.check_streams(settings)
        import_warm()
        run_in_child(lambda: _ready_data(settings))
        if settings.web_concurrency > 1:
            shared_metrics.share()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def import_warm() -> None:
    """Import what every worker will need."""
    # Without collections, which find nothing to throw away among modules, in a fifth less time.
    gc.disable()
    for name in _WARM:
        importlib.import_module(name)
    gc.enable()


def _ready_data(settings: Settings) -> None:
    # Only here, in the child: it imports the application.
    from chatapp.start import ready_data

    if path := ready_data(settings):
        say(f"Welcome! Make the first administrator here: {url(settings)}{path}")


def check_reloads(arbiter: Any) -> None:
    """Let a reload (SIGHUP) go through only if the code on disk starts.

    Else gunicorn would leave, with the old workers and all their streams.
    """
    reload = arbiter.reload

    def checked_reload() -> None:
        try:
            run_in_child(_import_program)
        except SystemExit:
            log.error("nothing was reloaded: the code on disk does not start")  # noqa: TRY400
        else:
            reload()

    arbiter.reload = checked_reload


def keep_alone(arbiter: Any, lock: SoleServer | None) -> None:
    """Let the arbiter, which looks after its workers once a second, look after a lock as well."""
    if lock is None:
        return
    look_after_workers = arbiter.murder_workers

    def look_after_both() -> None:
        lock.keep()
        look_after_workers()

    arbiter.murder_workers = look_after_both


def check_more_workers(arbiter: Any) -> None:
    """Let a worker be added (SIGTTIN) only where there were several from the start.

    Two on SQLite, or without Redis, would not hear each other; the start refuses that.
    """
    add = arbiter.handle_ttin

    def checked_add() -> None:
        if arbiter.cfg.workers > 1:
            add()
        else:
            log.error("no worker was added: set WEB_CONCURRENCY, and start anew")

    arbiter.handle_ttin = checked_add


def _import_program() -> None:
    forget_program()
    importlib.import_module("app")


def run_in_child(work: Callable[[], None]) -> None:
    """Run `work` in a forked child and wait; leave with its exit code if it fails."""
    child = os.fork()
    if child == 0:
        _exit_after(work)
    _, status = os.waitpid(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(code if code > 0 else 1)


def _exit_after(work: Callable[[], None]) -> NoReturn:
    """Run `work` and end this process, whatever happens: it must never go on as an arbiter."""
    code = 1
    try:
        work()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except Exception:
        logs.configure()
        log.exception("The start failed.")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def say(line: str) -> None:
    """Tell the person at the terminal, on standard output: the log goes to standard error."""
    print(line, flush=True)  # noqa: T201


def forget_program() -> None:
    """Drop the arbiter's modules of chatapp in a new worker: it imports what is on disk now."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "chatapp"]:
        del sys.modules[name]


def worker_started(worker: Worker) -> None:
    """Let the worker leave gracefully on every signal to stop, and watch for it."""
    if not monkey.is_module_patched("socket"):
        guard.refuse("gevent has not patched the sockets: start through gunicorn.conf.py")
    log_writer.install()
    bad_http.install()
    keep_alive = KeepAlive(worker)
    if not worker.cfg.is_ssl:
        worker.sockets = [Listener(sock, worker.handle) for sock in worker.sockets]
    # gunicorn's own answer to Ctrl-C kills the streams; ours says goodbye to them first.
    for stop in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(stop, worker.handle_exit)
    # Not here and now: while the database is away that fails, and a worker that cannot boot makes
    # the arbiter leave, with the other workers and all their streams.
    worker.wsgi.extensions["chatapp"].start_soon()
    # What the program itself consists of lives as long as it: no collection need look at it again.
    gc.collect()
    gc.freeze()
    gevent.spawn(say_goodbye, worker, keep_alive)
    if worker.age == 1:
        say(f"chatapp listens on {url(read_settings())}  (Ctrl-C stops it)")


def say_goodbye(worker: Worker, keep_alive: KeepAlive) -> None:
    """Wait until the worker is told to stop, then end its streams, and what is idle.

    gunicorn alone lets them linger until graceful_timeout, then kills them: their `finally` never
    runs, and their clients take it for a lost connection.
    """
    while worker.alive:
        gevent.sleep(0.1)
    worker.wsgi.extensions["chatapp"].drain()
    keep_alive.leave()
