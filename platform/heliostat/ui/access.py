"""Who may see the pages: the address that a browser used, a token where one is needed, policies.

A page of a stranger's site can make a browser ask this machine. It reads no answer, unless it gave
its own name our address meanwhile (DNS rebinding); so a request has to say a name that is ours.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from heliostat.errors import ConfigError
from heliostat.ui.frame import apology

LEAST_TOKEN = 12
"""Characters of a token that a person chose, at least."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For our own pages: no script but the one file. The drawings carry styles of their own."""
STRANGERS = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""For files out of run folders: whatever they hold, it runs nothing and belongs to no site."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address to listen at."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(token: str) -> str:
    """Return a token that a person chose; raises ConfigError for one that is easily guessed."""
    plain = token.isascii() and token.isprintable() and " " not in token
    if not plain or len(token) < LEAST_TOKEN:
        expected = f"at least {LEAST_TOKEN} letters, digits and signs"
        raise ConfigError("--token", "*" * len(token), expected, "without it one is made")
    return token


class Access:
    """Lets requests through that name this machine and, with a token, know it."""

    def __init__(self, app: App, host: str, port: int, token: str | None) -> None:
        self._app = app
        self._alone = is_loopback(host)
        self._names = {"localhost"} if self._alone else {"localhost", host, *_own_names()}
        self._token = token
        self._cookie = f"heliostat-ui-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, "Read-only", "These pages change nothing.", {"allow": "GET"})
        elif not self._named(headers.get("host", "")):
            why = "The address in the request is not one of this machine's names."
            await _refuse(send, 421, "Not here", why)
        elif self._token is None or self._knows(headers, self._token):
            await self._app(scope, receive, _with_headers(send))
        else:
            await self._let_in(scope, send, self._token)

    def _named(self, host: str) -> bool:
        """Return whether a browser that used this name meant this machine."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").rstrip(".").lower()
        try:  # no name server can give a number to another machine
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not self._alone

    def _knows(self, headers: MutableMapping[str, str], token: str) -> bool:
        given = headers.get("authorization", "")
        if given.startswith("Bearer ") and _equal(given[7:].strip(), token):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        held = cookies.get(self._cookie)
        return held is not None and _equal(held.value, _kept(token))

    async def _let_in(self, scope: Scope, send: Send, token: str) -> None:
        """Take the token out of an address that has it, into a cookie; refuse any other."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not any(name == "token" and _equal(value, token) for name, value in query):
            why = "Open the address that heliostat ui printed: it has the token."
            await _refuse(send, 401, "A token is needed", why)
            return
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # the path as it was asked for, and no address of another site
        path = scope.get("raw_path", b"/").decode("latin-1").split("?")[0].lstrip("/")
        cookie = f"{self._cookie}={_kept(token)}; HttpOnly; SameSite=Lax; Path=/"
        more = {"location": f"/{path}" + (f"?{rest}" if rest else ""), "set-cookie": cookie}
        await _refuse(send, 303, "Welcome", "The token is in a cookie now.", more)


def _own_names() -> set[str]:
    try:
        return {name.lower() for name in (socket.gethostname(), socket.getfqdn()) if name}
    except OSError:
        return set()


def _equal(given: str, token: str) -> bool:
    """Compare in a time that says nothing of where the two differ."""
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())


def _kept(token: str) -> str:
    """Return what a cookie holds: not the token, which a person may use elsewhere."""
    return hashlib.sha256(b"heliostat ui\n" + token.encode()).hexdigest()


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", ())}
            more = [
                (name.encode(), value.encode())
                for name, value in _HEADERS.items()
                if name.encode() not in there
            ]
            message["headers"] = [*message.get("headers", ()), *more]
        await send(message)

    return sending


async def _refuse(
    send: Send, status: int, title: str, why: str, more: MutableMapping[str, str] | None = None
) -> None:
    body = apology(title, why).encode()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(body)),
        **(more or {}),
    }
    sending = _with_headers(send)
    packed = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await sending({"type": "http.response.start", "status": status, "headers": packed})
    await sending({"type": "http.response.body", "body": body})
