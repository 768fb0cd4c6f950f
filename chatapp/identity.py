"""Who is calling: the bearer token of a script, or the session cookie of a signed-in browser.

Also what must hold for an unsafe request that a cookie vouches for: a CSRF token, as the header
``X-CSRFToken`` or the form field ``csrf_token``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import NoReturn
from urllib.parse import quote

from flask import Flask, Request, Response, abort, after_this_request, g, redirect, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from chatapp import throttle
from chatapp.domain import accounts, sessions, tokens
from chatapp.domain.errors import TooMany
from chatapp.domain.identity import Identity
from chatapp.extensions import csrf
from chatapp.models import now

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Where the answer is kept in the WSGI environ, which lives exactly as long as one request;
#: ``flask.g`` is shared by requests that a test makes inside an application context.
_CACHE = "chatapp.identity"
#: A path of this origin. Browsers read ``//host`` and ``/\host`` as another one's address.
_SAME_ORIGIN = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class CookieInterface(SecureCookieSessionInterface):
    """A session cookie that is Secure where the request was, and stays below the mount point."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds; a caller without one, such as a bot, costs nothing."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie where need be; not to who neither has nor got one."""
        if session.accessed or session.modified:
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Say whether the cookie is for HTTPS alone."""
        return super().get_cookie_secure(app) or request.is_secure

    def get_cookie_path(self, app: Flask) -> str:
        """Return the path that the browser sends the cookie to."""
        return app.config["SESSION_COOKIE_PATH"] or request.script_root or "/"


def init_app(app: Flask) -> None:
    """Set up the session cookie and the CSRF check."""
    app.session_interface = CookieInterface()
    app.config.update(
        SESSION_COOKIE_NAME="chat_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=sessions.IDLE,
        # Not before each view by itself: check_csrf knows who needs it.
        WTF_CSRF_CHECK_DEFAULT=False,
        # A tab may stay open for days.
        WTF_CSRF_TIME_LIMIT=None,
        # The token and SameSite do it; strict Referer checks fail behind many proxies.
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf.init_app(app)
    app.before_request(check_csrf)


def current() -> Identity:
    """Return who is calling.

    Nobody is: the API answers 401, a page sends the reader to sign in and then back.
    """
    return optional() or _refuse()


def check_again() -> None:
    """Refuse the caller as :func:`current` does if they are signed in no more.

    For who was let in earlier in this request, and only now hears of a revocation.
    """
    request.environ.pop(_CACHE, None)
    current()


def current_admin() -> Identity:
    """Return the administrator who is calling; others get a 403."""
    me = current()
    accounts.require_admin(me)
    return me


def require() -> None:
    """Let nobody in who is not signed in: ``blueprint.before_request(identity.require)``."""
    current()


def require_admin() -> None:
    """Let administrators in alone: ``blueprint.before_request(identity.require_admin)``."""
    current_admin()


def optional() -> Identity | None:
    """Return who is calling, or None. Costs one select, once a request.

    Raises:
        Unauthorized: a bearer token was sent that is none, whatever the cookie says.
    """
    environ = request.environ
    if _CACHE not in environ:
        bearer = _bearer()
        environ[_CACHE] = _from_cookie() if bearer is None else _from_bearer(bearer)
    identity: Identity | None = environ[_CACHE]
    return identity


def check_csrf() -> None:
    """Refuse an unsafe request that a foreign page may have made in somebody's browser.

    A bearer token proves that it did not: browsers add none by themselves. Unsafe calls of the
    API by nobody are told so first, since a token without a session helps no one.
    """
    if request.method in SAFE_METHODS or request.endpoint is None or _bearer() is not None:
        return
    if _is_api():
        current()
    csrf.protect()


def sign_in(name: str, password: str) -> None:
    """Sign this browser in, as often as is allowed.

    Raises:
        Invalid: on ``password``; the name and the password do not belong together.
        TooMany: too many failures for this account or from this address.
    """
    try:
        with throttle.sign_in_attempt(name, request.remote_addr or ""):
            secret, _ = sessions.sign_in(name, password, request.user_agent.string)
    except TooMany as error:
        after_this_request(partial(_retry_after, seconds=error.retry_after))
        raise
    sign_in_browser(secret)


def sign_in_browser(secret: str) -> None:
    """Give this browser a new session cookie, and end the session that it brought along.

    Nothing of the old cookie stays: somebody else may have planted it.
    """
    planted = _from_cookie()
    if planted is not None:
        sessions.sign_out(planted)
    _forget()
    session.permanent = True
    session["secret"], session["day"] = secret, _today()
    # Now, not with the first page: two pages loaded at once would each make one.
    generate_csrf()


def sign_out() -> None:
    """End the session of this browser."""
    me = optional()
    if me is not None:
        sessions.sign_out(me)
    sign_out_browser()


def sign_out_browser() -> None:
    """Take the cookie away from this browser."""
    _forget()


def safe_next(target: str | None) -> str | None:
    """Return ``target`` if it is a path of this very origin, else None (an open redirect)."""
    return target if target and _SAME_ORIGIN.fullmatch(target) else None


def _retry_after(answer: Response, seconds: int) -> Response:
    """Say it to machines too, where a page says it beside the form."""
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _forget() -> None:
    session.clear()
    g.pop("csrf_token", None)
    request.environ.pop(_CACHE, None)


def _bearer() -> str | None:
    """Return what stands behind the scheme ``Bearer`` (in any case), or None for other schemes."""
    scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


def _from_bearer(token: str) -> Identity:
    identity = tokens.find(token) if token.startswith(tokens.PREFIX) else None
    if identity is None:
        raise Unauthorized(
            "This token is not valid.",
            www_authenticate=WWWAuthenticate("bearer", {"error": "invalid_token"}),
        )
    return identity


def _from_cookie() -> Identity | None:
    secret = session.get("secret")
    identity = sessions.find(secret) if isinstance(secret, str) else None
    if identity is not None and session.get("day") != _today():
        # Once a day the cookie is sent anew, so that it lasts as long as the session does.
        session["day"] = _today()
    return identity


def _refuse() -> NoReturn:
    if _is_api():
        raise Unauthorized("Sign in first.", www_authenticate=WWWAuthenticate("bearer"))
    address = f"{request.script_root}/sign-in"
    if request.method == "GET":
        back = request.script_root + request.full_path.rstrip("?")
        address += f"?next={quote(back)}"
    abort(redirect(address, 303))


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _today() -> int:
    return now().toordinal()
