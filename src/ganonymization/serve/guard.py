"""Who may ask: hosts, origins and the token; and what a browser may do with the answers."""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SUBPROTOCOL = "ganonymization"
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}
_OPEN = {"/", "/docs", "/healthz", "/favicon.ico"}  # the page itself shows nothing
_SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self' ws: wss:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Lets through what the server's own page and holders of the token ask.

    Another page in the user's browser could otherwise send requests to this machine (CSRF), or make
    its own name point here (DNS rebinding).

    Args:
        app: What it stands before.
        host: That the server listens on; requests must name it, or this machine.
        token: That requests must carry, or None.
    """

    def __init__(self, app: App, host: str, token: str | None) -> None:
        self._app, self._token = app, token
        self._hosts = _LOCAL | {host} if host not in ("0.0.0.0", "::") else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI asks."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is not None and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": refused[1]})
        elif refused is not None:
            await _answer(send, *refused)
        else:
            await self._app(scope, receive, _secured(send))

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and words, or None."""
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._hosts is not None and name not in self._hosts:
            return 421, "this server answers to its own address only"
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host:
            return 403, "requests from other pages are refused"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "requests from other pages are refused"
        page = scope["path"] in _OPEN or scope["path"].startswith("/page/")
        if self._token is None or page or self._carries_token(headers):
            return None
        return 401, "give the server's token: Authorization: Bearer TOKEN"

    def _carries_token(self, headers: dict[str, str]) -> bool:
        assert self._token is not None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        for protocol in headers.get("sec-websocket-protocol", "").split(","):
            if protocol.strip().startswith("token."):
                given = _decoded(protocol.strip().removeprefix("token."))
        return hmac.compare_digest(given.encode(), self._token.encode())


def _place(origin: str) -> str | None:
    """Host and port of an origin; None where it makes no sense."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return ""


def _secured(send: Send) -> Send:
    """Adds the headers that bind a browser to every answer."""
    extra = [(name.encode(), value.encode()) for name, value in _SECURITY.items()]

    async def secured(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            stored = [(b"cache-control", b"no-store")]
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in [*extra, *stored] if pair[0] not in present]
            message = {**message, "headers": headers}
        await send(message)

    return secured


async def _answer(send: Send, status: int, words: str) -> None:
    body = json.dumps({"error": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await _secured(send)(start)
    await send({"type": "http.response.body", "body": body})
