"""What the admin listener answers: a Starlette app that asks a `Watched` server."""

import hmac
from collections.abc import Callable
from itertools import islice
from typing import Final, cast

import msgspec
import trio
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ric0_trio.server.watched import ConnectionInfo, Watched

_AT_ONCE: Final = 250  # connections described and encoded before other tasks get their turn: some 0.5 ms
_NOT_HERE: Final = "expected GET /healthz, /readyz, /metrics or /connections"
_NO_TOKEN: Final = "not without a token: see [admin] token_file in the configuration"  # noqa: S105
_WRONG_TOKEN: Final = "expected Authorization: Bearer TOKEN, with the token of [admin] token_file"  # noqa: S105


def make_admin_app(watched: Watched, token: str | None) -> Starlette:
    """Make the app. Who sends `token` may see the connections; without one, nobody may."""
    endpoints = _Endpoints(watched, token)
    app = Starlette(
        routes=[
            Route("/healthz", endpoints.health),
            Route("/readyz", endpoints.readiness),
            Route("/metrics", endpoints.metrics),
            Route("/connections", endpoints.connections),
        ],
        exception_handlers={HTTPException: _say_what_there_is},
    )
    app.router.redirect_slashes = False  # a redirect would repeat what the client said in Host
    return app


class _Endpoints:
    def __init__(self, watched: Watched, token: str | None) -> None:
        self._watched = watched
        self._token = token

    async def health(self, request: Request) -> Response:
        """Answer: that is all there is to know."""
        return PlainTextResponse("ok\n")

    async def readiness(self, request: Request) -> Response:
        unready = self._watched.unready
        return PlainTextResponse("ready\n") if unready is None else PlainTextResponse(f"{unready}\n", 503)

    async def metrics(self, request: Request) -> Response:
        encode, content_type = _choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._watched.registry), headers={"Content-Type": content_type})

    async def connections(self, request: Request) -> Response:
        if self._token is None:
            return PlainTextResponse(f"{_NO_TOKEN}\n", 404)
        if not _has_token(request, self._token):
            return PlainTextResponse(f"{_WRONG_TOKEN}\n", 401, {"WWW-Authenticate": 'Bearer realm="ric0-trio"'})
        described = await _encode_in_turns(self._watched)
        return Response(described, media_type="application/json")


async def _say_what_there_is(request: Request, error: Exception) -> Response:
    refusal = cast(HTTPException, error)
    return PlainTextResponse(f"{_NOT_HERE}\n", refusal.status_code, refusal.headers)


def _choose_encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except TypeError:  # of a version that is no number
        return choose_encoder("")


def _has_token(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


async def _encode_in_turns(watched: Watched) -> bytes:
    encoder = msgspec.json.Encoder()
    rest = iter(watched.describe_connections())
    pieces: list[bytes] = []
    while piece := list[ConnectionInfo](islice(rest, _AT_ONCE)):
        pieces.append(encoder.encode(piece)[1:-1])
        await trio.lowlevel.checkpoint()
    return b'{"connections":[%b]}\n' % b",".join(pieces)
