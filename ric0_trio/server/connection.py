"""One client's connection, from the accepted socket to its forced end: every wait under a deadline.

TLS handshake → HTTP head → refusal, or upgrade → { message, verdict, order or deadline → core → effects } → close.
"""

import ipaddress
import math
import secrets
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
import trio

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import (
    Admit,
    Close,
    CloseCode,
    Codec,
    Effect,
    Kick,
    PrivateKey,
    Release,
    Send,
    ServerProfile,
    ServerSession,
    Sign,
    State,
    Status,
    Verdict,
    Verify,
)
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.upgrade import HttpRefusal, Upgrade, check_request
from ric0_trio.transport.clock import SteadyClock
from ric0_trio.transport.guard import GuardedStream
from ric0_trio.transport.head import HeadTooBigError, read_head
from ric0_trio.transport.websocket import FrameError, KeepAlive, PeerGoneError, WebSocket, accept_websocket

_INTERNAL_ERROR = Close(CloseCode.INTERNAL_ERROR, "internal error")


@dataclass(frozen=True)
class Services:
    """What every connection of a server shares."""

    profile: ServerProfile
    key: PrivateKey
    access: AccessStore
    limits: ServerLimits
    codecs: Sequence[Codec]
    ssl_context: ssl.SSLContext | None


class Connection:
    """One accepted socket, and whoever is behind it."""

    def __init__(self, services: Services, socket: trio.SocketStream) -> None:
        self._services = services
        self._limits = services.limits
        self._socket = socket
        self._clock = SteadyClock()
        self._order: Callable[[ServerSession], tuple[Effect, ...]] | None = None
        self._opening = trio.CancelScope(deadline=trio.current_time() + self._limits.opening_timeout_s)
        self._waiting: trio.CancelScope | None = None
        self._verdict: Verdict | None = None
        self._verdict_given = trio.Event()
        self._close_timeout_s = self._limits.close_timeout_before_auth_s
        self.id = secrets.token_hex(6)
        """A name for this connection in logs and in the access store."""
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(
            connection=self.id, peer=_peer_address(socket)
        )

    def kick(self, cause: Kick) -> None:
        """Put the client out, soon: now if it is waited for, or when what is being done for it is done."""
        self._give_order(lambda session: session.kick(cause, self._clock.now()))

    def shutdown(self) -> None:
        """End the connection, soon, because the server is going away."""
        if not math.isinf(self._opening.deadline):
            self._opening.cancel()
        self._give_order(lambda session: session.shutdown(self._clock.now()))

    async def run(self) -> None:
        """Serve the client until either side ends it. Nothing that the client does raises."""
        try:
            # What is asked of the access store outlives the client: a late place is given back.
            async with trio.open_nursery() as admissions:
                with self._opening:
                    await self._open(admissions)
                if self._opening.cancelled_caught:
                    self._log.debug("connection.refused", why="no WebSocket in time")
                await trio.aclose_forcefully(self._socket)
        except Exception:  # the connection's boundary: a fault in serving one client is not the others'
            self._log.exception("connection.failed")
        finally:
            await trio.aclose_forcefully(self._socket)

    # Before the WebSocket

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
            return self._socket
        stream = trio.SSLStream(self._socket, self._services.ssl_context, server_side=True)
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

    # The WebSocket

    async def _upgrade(
        self,
        stream: trio.abc.Stream,
        request: Upgrade,
        early: bytes,
        admissions: trio.Nursery,
    ) -> None:
        limits = self._limits

        async def take_head() -> tuple[bytes, bytes]:
            return request.head(), early

        guard = GuardedStream(stream, take_head, is_client=False, max_message_bytes=limits.max_message_bytes)
        close = _INTERNAL_ERROR
        try:
            async with accept_websocket(
                guard,
                request.subprotocol,
                max_message_bytes=limits.max_message_bytes,
                keepalive=KeepAlive(limits.ping_interval_s, limits.ping_timeout_s),
                write_timeout_s=limits.write_timeout_s,
            ) as websocket:
                self._opening.deadline = math.inf
                session = ServerSession(self._services.profile, limits, request.codec, self._clock.now())
                close = await self._converse(websocket, session, admissions)
        finally:
            await guard.close(close.code, close.reason, self._close_timeout_s)

    async def _converse(self, websocket: WebSocket, session: ServerSession, admissions: trio.Nursery) -> Close:
        try:
            while True:
                effects = await self._next_effects(websocket, session)
                close = await self._carry_out(effects, websocket, session, admissions)
                if close is not None:
                    self._log.debug("connection.closed", by="server", code=int(close.code), why=close.reason)
                    return close
                connected = session.state is State.CONNECTED
                self._close_timeout_s = (
                    self._limits.close_timeout_s if connected else self._limits.close_timeout_before_auth_s
                )
        except PeerGoneError as gone:
            self._log.debug("connection.closed", by="client", code=gone.code, why=gone.reason)
            return Close(CloseCode.NORMAL, "")
        except FrameError as fault:
            self._log.debug("connection.closed", by="server", code=int(fault.code), why=fault.reason)
            return Close(fault.code, fault.reason)
        finally:
            await self._settle(session)

    async def _next_effects(self, websocket: WebSocket, session: ServerSession) -> tuple[Effect, ...]:
        """Wait for what comes first: an order, a deadline, the verdict that was asked for, or a message."""
        with trio.CancelScope(deadline=self._clock.to_trio(session.deadline)) as self._waiting:
            if self._order is not None:
                self._waiting.cancel()
            if isinstance(session.question, Admit):
                await self._verdict_given.wait()
                return self._take_verdict(session)
            payload = await websocket.receive()
            return session.receive(payload, self._clock.now())
        if self._order is not None:
            return self._order(session)
        return session.handle_timeout(self._clock.now())

    async def _carry_out(
        self,
        effects: Sequence[Effect],
        websocket: WebSocket,
        session: ServerSession,
        admissions: trio.Nursery,
    ) -> Close | None:
        todo = deque(effects)
        while todo:
            match todo.popleft():
                case Send() as send:
                    self._log_reply(send, session)
                    await websocket.send(send.payload)
                case Sign() as question:
                    todo.extend(session.answer(question.answer(self._services.key), self._clock.now()))
                case Verify() as question:
                    todo.extend(session.answer(question.answer(), self._clock.now()))
                case Admit() as question:
                    admissions.start_soon(self._ask_access, question, session)
                case Release(reason):
                    await self._release(reason)
                case Close() as close:
                    return close
        return None

    def _give_order(self, order: Callable[[ServerSession], tuple[Effect, ...]]) -> None:
        self._order = order
        if self._waiting is not None:
            self._waiting.cancel()

    # The access store

    async def _ask_access(self, question: Admit, session: ServerSession) -> None:
        with trio.CancelScope(shield=True):
            self._verdict = await self._services.access.admit(self.id, question)
            self._verdict_given.set()
            if session.state is State.CLOSED:
                await self._settle(session)

    def _take_verdict(self, session: ServerSession) -> tuple[Effect, ...]:
        verdict, self._verdict, self._verdict_given = self._verdict, None, trio.Event()
        return () if verdict is None else session.answer(verdict, self._clock.now())

    async def _settle(self, session: ServerSession) -> None:
        """Give back every place that a session which is over still has, or has been given since."""
        effects = (*session.connection_lost(self._clock.now()), *self._take_verdict(session))
        for effect in effects:
            if isinstance(effect, Release):
                await self._release(effect.reason)

    async def _release(self, reason: str | None) -> None:
        self._log.info("session.left", reason=reason)
        with trio.CancelScope(shield=True):
            await self._services.access.release(self.id, reason)

    def _log_reply(self, send: Send, session: ServerSession) -> None:
        if send.name != "connect":
            self._log.debug(f"{send.name}.answered", status=send.status)
        elif send.status == Status.SUCCESS and session.user is not None:
            self._log = self._log.bind(user=session.user.pubkey.short_fingerprint)
            self._log.info("connect.admitted", name=session.user.name, type=session.user.type)
        else:
            self._log.info("connect.refused", status=send.status)


def _peer_address(socket: trio.SocketStream) -> str:
    try:
        host = str(socket.socket.getpeername()[0])
    except OSError:  # it has left already
        return "unknown"
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
