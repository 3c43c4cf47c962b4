"""`ChatConnection`: one connection to a server, step by step. `open_chat` takes the steps in their order."""

import math
import secrets
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

import h11
import trio
import wsproto.utilities

from ric0_trio.client.address import Address, open_stream
from ric0_trio.client.errors import (
    ChatError,
    ChatTimeoutError,
    ConnectionClosedError,
    ConnectRefusedError,
    ServerIdentityError,
    ServerUnreachableError,
)
from ric0_trio.client.identity import OWN_APP, Identity
from ric0_trio.client.known_servers import KnownServers
from ric0_trio.client.upgrade import first_problem, read_answer
from ric0_trio.protocol import (
    AppInfo,
    ClientProfile,
    ClientSession,
    Close,
    CloseCode,
    Codec,
    Connected,
    ConnectRefused,
    ConnectReply,
    Effect,
    Fingerprint,
    LocalProtocolError,
    PublicKey,
    Send,
    ServerFailed,
    ServerVerified,
    Sign,
    TimedOut,
    Verify,
    available_codecs,
    choose_codec,
)
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.clock import SteadyClock
from ric0_trio.transport.errors import ABNORMAL, FrameError, PeerGoneError
from ric0_trio.transport.guard import GuardedStream
from ric0_trio.transport.one_exception import one_exception
from ric0_trio.transport.plain import PlainWebSocket, connect_websocket
from ric0_trio.transport.websocket import KeepAlive

MAX_MESSAGE_BYTES = 64 * 1024
CONTROL_FRAMES_PER_MIN = 60
CLOSE_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
KEEPALIVE = KeepAlive(interval_s=25.0, timeout_s=10.0)

_NONCE_BYTES = 32


class ChatConnection:
    """An open connection. Its steps, in order: `verify_server`, `connect`, `disconnect`."""

    def __init__(self, websocket: PlainWebSocket, codec: Codec, address: Address, reply_timeout_s: float) -> None:
        self.codec: Final = codec
        """The encoding that the server chose."""
        self.address: Final = address
        """Where the server is."""
        self.closing = Close(CloseCode.NORMAL, "")
        """How this side closes the WebSocket, when it does."""
        self._websocket = websocket
        self._clock = SteadyClock()
        self._session = ClientSession(codec, secrets.token_bytes(_NONCE_BYTES), reply_timeout_s=reply_timeout_s)
        self._told, self._outcomes = trio.open_memory_channel[Effect](1)
        self._is_right_server = False
        self._failure: ChatError | None = None
        self._ended = trio.Event()

    async def verify_server(
        self, known_servers: KnownServers | None = None, pin: Fingerprint | None = None
    ) -> PublicKey:
        """Have the server prove its key, and see that it is the right one for this address.

        With a `pin`, the key must have that fingerprint. Else `known_servers` is asked; without either, any key will
        do. Raises `ServerIdentityError`, and nothing has been proved to the server then, nor can be.
        """
        self._check_open()
        verified: ServerVerified = await self._exchange(self._session.challenge(self._clock.now()))
        try:
            await self._check_key(verified.key, known_servers, pin)
        except ServerIdentityError as error:
            self.closing = Close(CloseCode.POLICY, "not the expected server")
            self._end(error)
            raise
        self._is_right_server = True
        return verified.key

    async def connect(self, identity: Identity, app: AppInfo = OWN_APP, join_token: str | None = None) -> ConnectReply:
        """Prove who the user is, and be let in. May be called again after `ConnectRefusedError` or `disconnect`.

        Raises `LocalProtocolError` when the server is not verified, and `ValueError` for a malformed identity.
        """
        self._check_open()
        if not self._is_right_server or self._session.server_key is None:
            raise LocalProtocolError("verify the server before you prove anything to it")
        profile = ClientProfile(user=identity.on_wire(self._session.server_key), app=app, join_token=join_token)
        effects = self._session.connect(profile, self._clock.now())
        if isinstance(self._session.question, Sign):
            effects = self._session.answer(self._session.question.answer(identity.key), self._clock.now())
        outcome: Connected | ConnectRefused = await self._exchange(effects)
        if isinstance(outcome, ConnectRefused):
            raise ConnectRefusedError(outcome.status, outcome.reason)
        return outcome.reply

    async def disconnect(self, reason: str | None = None) -> None:
        """Leave, with a `reason` of at most 512 characters, which the server may log."""
        self._check_open()
        await self._exchange(self._session.disconnect(reason, self._clock.now()))

    async def wait_closed(self) -> ChatError:
        """Wait until the connection is over, and return why. Cancel it to stop waiting."""
        await self._ended.wait()
        return self._why()

    async def listen(self) -> None:
        """Receive until the connection is over. `open_connection` runs this, and nobody else."""
        while not self._ended.is_set():
            with self._noting_the_end():
                payload = await self._websocket.receive()
                await self._carry_out(self._session.receive(payload, self._clock.now()))

    async def _check_key(self, key: PublicKey, known_servers: KnownServers | None, pin: Fingerprint | None) -> None:
        if pin is not None and key.fingerprint != pin:
            raise ServerIdentityError(f"{self.address} has the key {key.fingerprint}, not the pinned {pin}")
        if pin is None and known_servers is not None:
            await trio.to_thread.run_sync(known_servers.check, str(self.address), key)

    async def _exchange(self, effects: tuple[Effect, ...]) -> Any:
        """Carry out what begins a request, and wait for what comes of it; what that is follows from the request.

        One that is cancelled ends the connection: its answer could be taken for the next one's.
        """
        try:
            with self._noting_the_end():
                await self._carry_out(effects)
                with trio.move_on_at(self._clock.to_trio(self._session.deadline)):
                    return await self._outcomes.receive()
                await self._carry_out(self._session.handle_timeout(self._clock.now()))
                # A time-out has ended this channel; an answer that came with it in one tick is there.
                return await self._outcomes.receive()
        except trio.EndOfChannel:
            pass
        except trio.Cancelled:
            self._end(ConnectionClosedError(CloseCode.NORMAL, "a step was cancelled on this side", by_server=False))
            raise
        raise self._why()

    async def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        todo = deque(effects)
        while todo:
            match todo.popleft():
                case Send(payload):
                    self._websocket.send(payload)
                    await self._websocket.flush()
                case Verify() as question:
                    todo.extend(self._session.answer(question.answer(), self._clock.now()))
                case ServerFailed(problem, identity=True):
                    self._failure = ServerIdentityError(f"{self.address} cannot prove itself: {problem}")
                case ServerFailed(problem):
                    self._failure = _broken_protocol(CloseCode.PROTOCOL_ERROR, problem)
                case TimedOut(request):
                    self._failure = ChatTimeoutError(f"{self.address} did not answer `{request}` in time")
                case Close() as close:
                    self.closing = close
                    self._end(ConnectionClosedError(close.code, close.reason))
                case outcome:
                    self._told.send_nowait(outcome)

    @contextmanager
    def _noting_the_end(self) -> Iterator[None]:
        """Whether a message was being sent or received when it came."""
        try:
            yield
        except PeerGoneError as gone:
            self._end(ConnectionClosedError(gone.code, gone.reason))
        except FrameError as fault:
            self.closing = Close(fault.code, fault.reason)
            self._end(_broken_protocol(fault.code, fault.reason))

    def _end(self, failure: ChatError) -> None:
        self._failure = self._failure or failure
        self._session.connection_lost(self._clock.now())
        self._told.close()
        self._ended.set()

    def _check_open(self) -> None:
        if self._ended.is_set():
            raise self._why()

    def _why(self) -> ChatError:
        return self._failure or ConnectionClosedError(CloseCode.NORMAL, "")


def _broken_protocol(code: CloseCode, problem: str) -> ConnectionClosedError:
    return ConnectionClosedError(code, f"the server broke the protocol: {problem}", by_server=False)


@asynccontextmanager
async def open_connection(
    url: str,
    *,
    ssl_context: ssl.SSLContext | None = None,
    codecs: Sequence[Codec] | None = None,
    open_timeout_s: float = 10.0,
    reply_timeout_s: float = 10.0,
) -> AsyncIterator[ChatConnection]:
    """Open a WebSocket to a server, for as long as the block lasts, and take no step yet.

    `url` is `wss://host[:port]`; `codecs` are offered in their order (all that can be used here, by default).
    Raises `ValueError` for another URL, `ServerUnreachableError`, `ServerIdentityError` for a certificate that does
    not verify, and `ConnectionClosedError`.
    """
    address = Address.parse(url)
    offered = codecs or available_codecs()
    with trio.CancelScope(deadline=trio.current_time() + open_timeout_s) as opening:
        stream = await open_stream(address, ssl_context)
        guard = GuardedStream(
            stream,
            partial(read_answer, stream),
            is_client=True,
            max_message_bytes=MAX_MESSAGE_BYTES,
            control_frames=TokenBucket(CONTROL_FRAMES_PER_MIN, CONTROL_FRAMES_PER_MIN / 60, trio.current_time()),
        )
        closing, is_open = Close(CloseCode.NORMAL, ""), False
        try:
            async with connect_websocket(
                guard,
                str(address),
                address.path,
                [codec.subprotocol for codec in offered],
                keepalive=KEEPALIVE,
                write_timeout_s=WRITE_TIMEOUT_S,
            ) as websocket:
                opening.deadline, is_open = math.inf, True
                codec = choose_codec([websocket.subprotocol] if websocket.subprotocol else [], offered)
                if codec is None:
                    raise ConnectionClosedError(ABNORMAL, "the server chose no subprotocol that was offered")
                chat = ChatConnection(websocket, codec, address, reply_timeout_s)
                with one_exception():
                    async with trio.open_nursery() as listening:
                        listening.start_soon(chat.listen)
                        try:
                            yield chat
                        finally:
                            closing = chat.closing
                        listening.cancel_scope.cancel()
        except (wsproto.utilities.ProtocolError, h11.ProtocolError) as error:
            if is_open:  # the block's own
                raise
            raise ConnectionClosedError(
                ABNORMAL, f"the server's upgrade is not valid: {first_problem(error)}"
            ) from None
        finally:
            await guard.close(closing.code, closing.reason, CLOSE_TIMEOUT_S)
    if opening.cancelled_caught:
        raise ServerUnreachableError(f"{address} did not open a WebSocket in {open_timeout_s:g} seconds")
