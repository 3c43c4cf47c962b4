"""The reference server: its parts, put together on a Trio stream."""

import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

import trio

from tests.conform.reference.door import Door
from tests.conform.reference.encodings import Bson, Json
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.frames import ClientLeftError, Frames, RuleBrokenError, TooBigError
from tests.conform.reference.gate import Gate, Refusal, Upgrade
from tests.conform.reference.identity import Identity
from tests.conform.reference.negotiation import Negotiation
from tests.conform.reference.replies import Replies
from tests.conform.reference.session import Close, Deeds, Session
from tests.independent.keys import UserKey

CLOSE_TIMEOUT_BEFORE_AUTH_S = 0.5
CLOSE_TIMEOUT_S = 5.0
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


@dataclass(frozen=True)
class Parts:
    """Of what a server is made."""

    door: type[Door] = Door
    gate: type[Gate] = Gate
    frames: type[Frames] = Frames
    json: type[Json] = Json
    bson: type[Bson] = Bson
    envelopes: type[Envelopes] = Envelopes
    replies: type[Replies] = Replies
    identity: type[Identity] = Identity
    negotiation: type[Negotiation] = Negotiation
    session: type[Session] = Session

    def but(self, part: type[object]) -> "Parts":
        """The same with a part that is derived from one of them."""
        for field in fields(self):
            if issubclass(part, getattr(self, field.name)):
                change: dict[str, Any] = {field.name: part}
                return replace(self, **change)
        raise TypeError(f"{part.__name__} is no part of a server")


HONEST = Parts()


class ReferenceServer:
    def __init__(self, key: UserKey, parts: Parts = HONEST, context: ssl.SSLContext | None = None) -> None:
        """`key` is the server's own; with a `context` it speaks TLS."""
        self._identity = parts.identity(key)
        self._parts = parts
        self._context = context
        self._epoch = time.time() - trio.current_time()

    async def handle(self, accepted: trio.SocketStream) -> None:
        """One connection, from the first byte to the last."""
        stream = await self._parts.door().admit(accepted, self._context)
        try:
            upgrade = await self._open(stream)
            if upgrade is not None:
                await self.converse(stream, upgrade)
        except GONE:
            pass
        finally:
            await end(stream)

    async def _open(self, stream: trio.abc.Stream) -> Upgrade | None:
        gate = self._parts.gate()
        with trio.move_on_after(gate.timeout_s):
            opened = await gate.open(stream)
            if isinstance(opened, Upgrade):
                await stream.send_all(opened.response)
                return opened
            await refuse(stream, opened)
        return None

    async def converse(self, stream: trio.abc.Stream, upgrade: Upgrade) -> None:
        session = self._make_session(upgrade.encoding)
        frames = self._parts.frames(
            stream, upgrade.early, session.max_bytes, lambda: session.spend_control_frame(trio.current_time())
        )
        try:
            while True:
                for deed in await self._next(session, frames):
                    if isinstance(deed, Close):
                        await self._close(session, frames, deed)
                        return
                    await frames.send(deed)
        except ClientLeftError:
            pass
        except RuleBrokenError as broken:
            await self._close(session, frames, Close(broken.code, broken.reason))

    async def _next(self, session: Session, frames: Frames) -> Deeds:
        while True:
            with trio.move_on_at(min(session.deadline, frames.keepalive_due)):
                try:
                    payload = await frames.receive()
                except TooBigError:
                    return session.too_big(trio.current_time())
                return session.receive(payload, trio.current_time())
            if trio.current_time() >= session.deadline:
                return session.time_out()
            await frames.keep_alive()

    async def _close(self, session: Session, frames: Frames, close: Close) -> None:
        timeout_s = CLOSE_TIMEOUT_S if session.is_connected else CLOSE_TIMEOUT_BEFORE_AUTH_S
        await frames.close(close.code, close.reason, timeout_s)

    def _make_session(self, encoding: str) -> Session:
        parts = self._parts
        return parts.session(
            self._identity,
            parts.bson() if encoding == "bson" else parts.json(),
            parts.envelopes(),
            parts.replies(self._epoch),
            parts.negotiation(),
            trio.current_time(),
        )


async def refuse(stream: trio.abc.Stream, refusal: Refusal) -> None:
    await stream.send_all(refusal.response())
    if isinstance(stream, trio.SocketStream):
        await stream.send_eof()
    with trio.move_on_after(CLOSE_TIMEOUT_BEFORE_AUTH_S):
        while await stream.receive_some():  # closed with something unread, TCP could take the answer back
            pass


async def end(stream: trio.abc.Stream) -> None:
    with trio.CancelScope(deadline=trio.current_time() + 1, shield=True), suppress(*GONE):
        await stream.aclose()
    await trio.aclose_forcefully(stream)
