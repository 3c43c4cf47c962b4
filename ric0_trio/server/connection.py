"""One client's connection, from the accepted socket to its forced end: every wait under a deadline.

TLS handshake → HTTP head → refusal, or upgrade → conversation → closing handshake → forced end.
"""

import math
import secrets

import structlog
import trio

from ric0_trio.protocol import Close, CloseCode, Kick
from ric0_trio.server.conversation import Conversation
from ric0_trio.server.services import Services
from ric0_trio.server.upgrade import HttpRefusal, Upgrade, check_request
from ric0_trio.transport.guard import GuardedStream
from ric0_trio.transport.head import HeadTooBigError, read_head
from ric0_trio.transport.websocket import KeepAlive, accept_websocket

_INTERNAL_ERROR = Close(CloseCode.INTERNAL_ERROR, "internal error")


class Connection:
    """One accepted socket, and whoever is behind it."""

    def __init__(self, services: Services, stream: trio.abc.Stream, peer: str) -> None:
        self.id = secrets.token_hex(8)
        """A name for this connection in logs and in the access store."""
        self._services = services
        self._limits = services.limits
        self._stream = stream
        self._peer = peer
        self._opening = trio.CancelScope(deadline=trio.current_time() + self._limits.opening_timeout_s)
        self._conversation: Conversation | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(connection=self.id, peer=peer)

    def kick(self, cause: Kick) -> None:
        """Put the client out, soon: when what is being done for it is done."""
        if self._conversation is not None:
            self._conversation.kick(cause)

    def shutdown(self) -> None:
        """End the connection, soon, because the server is going away."""
        if self._conversation is None:
            self._opening.cancel()
        else:
            self._conversation.shutdown()

    async def run(self) -> None:
        """Serve the client until either side ends it. Nothing that the client does raises."""
        try:
            # What is asked of the access store outlives the client: a place that comes late is given back.
            async with trio.open_nursery() as admissions:
                with self._opening:
                    await self._open(admissions)
                if self._opening.cancelled_caught:
                    in_time = trio.current_time() < self._opening.deadline
                    why = "the server is going away" if in_time else "no WebSocket in time"
                    self._log.debug("connection.refused", why=why)
                await trio.aclose_forcefully(self._stream)  # now, not when the last admission is known
        except* Exception:  # the connection's boundary: a fault in serving one client is not the others'
            self._log.exception("connection.failed")
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _open(self, admissions: trio.Nursery) -> None:
        try:
            stream = await self._shake_hands()
            answer, early = await self._read_request(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            cause = str(error.__cause__ or error)
            self._log.debug("connection.refused", why="no TLS handshake or HTTP head", detail=cause)
            return
        if isinstance(answer, HttpRefusal):
            await self._refuse(stream, answer)
        else:
            await self._upgrade(stream, answer, early, admissions)

    async def _shake_hands(self) -> trio.abc.Stream:
        if self._services.ssl_context is None:
            return self._stream
        stream = trio.SSLStream(self._stream, self._services.ssl_context, server_side=True)
        await stream.do_handshake()
        return stream

    async def _read_request(self, stream: trio.abc.Stream) -> tuple[Upgrade | HttpRefusal, bytes]:
        try:
            head, early = await read_head(stream)
        except HeadTooBigError:
            return HttpRefusal(431, "the HTTP head is over 8 KiB"), b""
        return check_request(head, self._services.codecs), early

    async def _refuse(self, stream: trio.abc.Stream, refusal: HttpRefusal) -> None:
        self._log.debug("connection.refused", status=refusal.status, why=refusal.text)
        with trio.move_on_after(self._limits.close_timeout_before_auth_s):
            try:
                await stream.send_all(refusal.response())
                while await stream.receive_some():  # a reset on unread data could take the answer with it
                    pass
                await stream.aclose()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async def _upgrade(self, stream: trio.abc.Stream, request: Upgrade, early: bytes, admissions: trio.Nursery) -> None:
        async def take_head() -> tuple[bytes, bytes]:
            return request.head(), early

        limits = self._limits
        guard = GuardedStream(stream, take_head, is_client=False, max_message_bytes=limits.max_message_bytes)
        close, timeout_s = _INTERNAL_ERROR, limits.close_timeout_before_auth_s
        try:
            async with accept_websocket(
                guard,
                request.subprotocol,
                keepalive=KeepAlive(limits.ping_interval_s, limits.ping_timeout_s),
                write_timeout_s=limits.write_timeout_s,
            ) as websocket:
                self._opening.deadline = math.inf
                talk = Conversation(
                    self._services, websocket, request.codec, admissions, self.id, self._peer, self._log
                )
                self._conversation = talk
                close = await talk.run()
                timeout_s = limits.close_timeout_s if talk.is_worth_a_wait else timeout_s
        finally:
            await guard.close(close.code, close.reason, timeout_s)
