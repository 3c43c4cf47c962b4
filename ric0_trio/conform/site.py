"""What a check works with: ways to the server, in one variant, each of them noted."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Final

import trio

from ric0_trio.client.address import open_stream
from ric0_trio.client.errors import ChatError, ConnectionClosedError
from ric0_trio.conform.encodings import AVAILABLE, Encoding
from ric0_trio.conform.evidence import Evidence
from ric0_trio.conform.http import (
    MAX_ANSWER_BYTES,
    SWITCHING_PROTOCOLS,
    UNAVAILABLE,
    Answer,
    make_head,
    parse_answer,
)
from ric0_trio.conform.outcomes import FailedError, NotRunError, SkippedError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.people import User
from ric0_trio.conform.target import Target, Variant
from ric0_trio.conform.websocket import ANSWER_S

_EXEMPT: Final = "tell it to exempt this address from its bounds (ric0-trio: exempt_networks in [limits])"
_DIAL_S: Final = 15.0
_TRIES: Final = 3
_MAX_RETRY_AFTER_S: Final = 20.0
_BODY_S: Final = 2.0
_CONNECTIONS_APART: Final = 100
"""Between the numbers of connections in one encoding and in the next, in the evidence."""
_CHUNK_BYTES: Final = 16 * 1024
_PIECE_BYTES: Final = 1024
_PIECE_S: Final = 0.005
_HEAD_END: Final = b"\r\n\r\n"


class Site:
    """The server under test, as one run of a check sees it. Whatever it opens is closed with `stack`."""

    def __init__(self, target: Target, variant: Variant, stack: AsyncExitStack) -> None:
        self.target = target
        self.variant = variant
        self.evidence = Evidence()
        self.encoding: Encoding = AVAILABLE[variant.encoding]
        self._stack = stack
        self._connections = 0
        if target.join_token is not None:
            self.evidence.keep_secret(target.join_token)

    def make_user(self) -> User:
        """Give a user with a key of the variant's format."""
        return self.target.make_user(self.variant.user_format)

    def head(self, **options: object) -> bytes:
        """Make the head of a good request to upgrade in the variant's encoding; `options` as `make_head` has them."""
        return make_head(self.target.address, **{"offer": self.encoding.name, **options})  # type: ignore[arg-type]

    async def dial(self, *, is_plain: bool = False) -> trio.abc.Stream:
        """Connect over TCP, and TLS if the URL says so (unless `is_plain`). Raises `NotRunError`."""
        if self.target.turned_away is not None:
            raise NotRunError(self.target.turned_away)
        self._connections += 1
        address = replace(self.target.address, is_tls=False) if is_plain else self.target.address
        try:
            with trio.fail_after(_DIAL_S):
                stream = await open_stream(address, self.target.ssl_context)
        except trio.TooSlowError:
            raise NotRunError(f"no connection to {self.target.address} within {_DIAL_S:g} s") from None
        except ConnectionClosedError as error:
            raise NotRunError(f"{self.evidence.show(str(error))}; if it cuts this address off, {_EXEMPT}") from error
        except ChatError as error:
            raise NotRunError(self.evidence.show(str(error))) from error
        self._stack.push_async_callback(trio.aclose_forcefully, stream)
        self.evidence.note(self._connections, "connected")
        return stream

    async def ask_http(self, head: bytes) -> Answer:
        """Send a head, and give the answer to it. Raises `FailedError` when there is none."""
        return (await self._exchange(head))[0]

    def expect_status(self, answer: Answer, *statuses: int) -> Answer:
        """See that the answer has one of these statuses."""
        if answer.status not in statuses:
            raise FailedError(f"HTTP {' or '.join(map(str, statuses))}", self.evidence.show(str(answer)))
        return answer

    def expect_subprotocol(self, answer: Answer) -> None:
        """See that the answer names the subprotocol of the variant's encoding."""
        if answer.one("sec-websocket-protocol") != self.encoding.name:
            raise FailedError(f"the subprotocol {self.encoding.name}", repr(answer.all("sec-websocket-protocol")))

    async def open_with(self, head: bytes) -> tuple[Answer, Peer]:
        """Send a head that has to be answered with 101, and give the answer, and the WebSocket."""
        answer, stream = await self._exchange(head)
        if answer.status != SWITCHING_PROTOCOLS:
            raise FailedError("HTTP 101", self.evidence.show(str(answer)))
        peer = Peer(stream, self.evidence, self._connections, answer.body, self.encoding, self.target.join_token)
        return answer, peer

    async def open(self) -> Peer:
        """Open a WebSocket in the variant's encoding. Raises `NotRunError` when the server will not."""
        with self._preparing("opening a WebSocket"):
            answer, peer = await self.open_with(self.head())
            self.expect_subprotocol(answer)
            return peer

    async def challenged(self) -> Peer:
        """Open a WebSocket, and have the server prove its key."""
        peer = await self.open()
        with self._preparing("`challenge`"):
            await peer.challenge()
        return peer

    async def connected(self, user: User | None = None) -> Peer:
        """Open a WebSocket, and have a user join. Raises `SkippedError` when users are refused here."""
        self.needs_user()
        peer = await self.challenged()
        with self._preparing("`connect`"):
            await peer.connect(user or self.make_user())
        return peer

    async def disconnected(self) -> Peer:
        """Open a WebSocket, and have a user join and leave."""
        peer = await self.connected()
        with self._preparing("`disconnect`"):
            await peer.disconnect()
        return peer

    def needs_user(self) -> None:
        """Skip the check when users with such a key are refused here."""
        reason = self.target.admissions.get(self.variant.user_format)
        if reason is None:
            return
        if self.variant.user_format in self.target.refused:
            raise SkippedError(reason)
        raise NotRunError(reason)

    def skip_if_refused(self, key_format: str) -> None:
        """Skip the check when users with keys of that format are refused here, by a rule of access."""
        if key_format in self.target.refused:
            raise SkippedError(self.target.admissions[key_format] or "")

    def in_encoding(self, name: str) -> "Site":
        """The same, in another encoding."""
        other = Site(self.target, replace(self.variant, encoding=name), self._stack)
        other.evidence = self.evidence
        other._connections = self._connections + _CONNECTIONS_APART
        return other

    @contextmanager
    def _preparing(self, what: str) -> Iterator[None]:
        try:
            yield
        except FailedError as error:
            raise NotRunError(f"{what} failed, which comes before what is checked: {error}") from None

    async def _exchange(self, head: bytes) -> tuple[Answer, trio.abc.Stream]:
        for attempt in range(_TRIES):
            stream = await self.dial()
            answer = await self.read_http(stream, head)
            if answer is None:
                if self.target.turned_away is not None:
                    raise NotRunError(self.target.turned_away)
                raise FailedError("an HTTP answer", "none")
            if answer.status != UNAVAILABLE:
                return answer, stream
            wait_s = _retry_after(answer.all("retry-after"))
            if wait_s > _MAX_RETRY_AFTER_S or attempt == _TRIES - 1:
                break
            await trio.sleep(wait_s)
        self.target.turned_away = f"the server answers 503: {_EXEMPT}"
        raise NotRunError(self.target.turned_away)

    async def read_http(self, stream: trio.abc.Stream, head: bytes) -> Answer | None:
        """Send a head, and give the answer to it; None when there is none. Raises `FailedError` for what is no HTTP."""
        self.evidence.note(self._connections, f"-> an HTTP head of {len(head)} bytes:", repr(head)[2:-1])
        received = b""
        with trio.move_on_after(ANSWER_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send_head, stream, head)
                while _HEAD_END not in received and len(received) < MAX_ANSWER_BYTES:
                    data = await _read_some(stream)
                    if not data:
                        break
                    received += data
                nursery.cancel_scope.cancel()
        raw, end, rest = received.partition(_HEAD_END)
        self.evidence.note(self._connections, "<-", repr(received[:300])[2:-1] or "nothing")
        if not received:
            return None
        answer = parse_answer(raw, rest) if end else None
        if answer is None:
            raise FailedError("an HTTP answer", self.evidence.show(repr(received[:100])))
        if answer.status == SWITCHING_PROTOCOLS:
            return answer
        with trio.move_on_after(_BODY_S):
            while len(rest) < min(MAX_ANSWER_BYTES, _length(answer)) and (data := await _read_some(stream)):
                rest += data
        return Answer(answer.status, answer.headers, rest)

    async def _send_head(self, stream: trio.abc.Stream, head: bytes) -> None:
        """Send a head; a large one little by little, as the answer can come before its end, and is not to be missed."""
        try:
            for begin in range(0, len(head), _PIECE_BYTES):
                await stream.send_all(head[begin : begin + _PIECE_BYTES])
                await trio.sleep(_PIECE_S)
        except trio.BrokenResourceError:
            self.evidence.note(self._connections, "   (not all of it could be sent)")


async def _read_some(stream: trio.abc.Stream) -> bytes:
    try:
        return bytes(await stream.receive_some(_CHUNK_BYTES))
    except trio.BrokenResourceError:
        return b""


def _length(answer: Answer) -> float:
    text = answer.one("content-length") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else math.inf


def _retry_after(values: Sequence[str]) -> float:
    text = values[0] if len(values) == 1 else ""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1.0
