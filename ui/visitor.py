"""Who is asking: a random name in a cookie, so that visitors of a shared server find their own runs again."""

import re
import secrets

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "vae_visitor"
NOBODY = "nobody"  # who comes without a name sees what is shared, and what belongs to no visitor
YEAR = 365 * 24 * 3600
_NAME = re.compile(r"[0-9a-f]{32}")


def visitor() -> str:
    """The visitor's name; NOBODY where there is no browser, or one that keeps no cookies."""
    return known(st.context.cookies.get(COOKIE)) or NOBODY


def named(visitor: str | None) -> str | None:
    """The visitor, if there is a name that keeps what is theirs from others."""
    return None if visitor == NOBODY else visitor


def known(name: object) -> str | None:
    """A cookie's value, if it is a name that was given here."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None


def visitor_of(cookie_header: str) -> str:
    """The visitor's name from a request's cookies, or NOBODY."""
    return known(cookie_parser(cookie_header).get(COOKIE)) or NOBODY


class NamesVisitors:
    """ASGI middleware: gives every browser that has none a name, with the first page it is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or visitor_of(_cookies(scope)) != NOBODY:
            await self._app(scope, receive, send)
            return

        async def naming(message: Message) -> None:
            headers = MutableHeaders(scope=message) if message["type"] == "http.response.start" else None
            if headers is not None and headers.get("content-type", "").startswith("text/html"):
                cookie = f"{COOKIE}={secrets.token_hex(16)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax"
                headers.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, naming)


def _cookies(scope: Scope) -> str:
    return "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
